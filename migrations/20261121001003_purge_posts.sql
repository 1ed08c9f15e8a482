-- A share outlives the post that it shares: it keeps the id, which leads nowhere, and says that the
-- original is unavailable.
alter table post drop constraint post_shared_post_id_fkey;

-- For the jobs that delete posts for good whose author deleted them long ago.
create index post_deleted_at_idx on post (deleted_at) where deleted_at is not null;
-- Whom a purge has to look for by post, and finds by no other index.
create index saved_post_post_id_idx on saved_post (post_id);
create index hidden_post_post_id_idx on hidden_post (post_id);
create index comment_post_id_idx on comment (post_id);
