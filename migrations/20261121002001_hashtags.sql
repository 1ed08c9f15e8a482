-- Which posts say which hashtag. Written with the post; a deleted post has no rows. Tags are in lower
-- case and compared byte by byte, so that a prefix is a range of the index.

create table post_hashtag (
    tag text collate "C" not null,
    post_id uuid not null references post,
    -- The post's own, so that a tag's posts are walked in their order by this index alone.
    created_at timestamptz not null,
    primary key (tag, post_id)
);
create index post_hashtag_list_idx on post_hashtag (tag, created_at desc, post_id desc);
create index post_hashtag_post_id_idx on post_hashtag (post_id);

call void_on_change('post_hashtag', 'hashtag:{tag}');

-- What a hashtag is, the program decides, by tables of characters that a regular expression here would
-- not follow. So posts that are there already are read by a job.
insert into job (job_id, name, payload, run_at, created_at)
select gen_random_uuid(), 'posts.fill-hashtags', '{"after": "00000000-0000-0000-0000-000000000000"}', now(), now()
where exists (select from post);
