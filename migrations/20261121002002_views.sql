-- Who has seen which post on which day: counted once, however often it is told. Rows are kept for 90
-- days; the number in `post_counter` stays.

create table post_view (
    post_id uuid not null references post,
    user_id uuid not null references account,
    day date not null,
    primary key (post_id, user_id, day)
);
-- For the job that deletes what is old.
create index post_view_day_idx on post_view (day);
