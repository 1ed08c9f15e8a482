-- Whose notifications leave out what is said of a post.

create table muted_post (
    user_id uuid not null references account,
    post_id uuid not null references post,
    created_at timestamptz not null,
    primary key (user_id, post_id)
);
create index muted_post_post_id_idx on muted_post (post_id);
