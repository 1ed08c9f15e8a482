-- What somebody saw, or how far they read, does not keep a deleted post: a view has its own end, and a marker
-- its own place.

alter table post_view drop constraint post_view_post_id_fkey;
alter table feed_marker drop constraint feed_marker_post_id_fkey;
