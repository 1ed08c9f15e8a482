-- What the home feed keeps beside the posts: who reads it, and whose posts are not carried to
-- their readers. The timelines themselves are in Redis and may be lost at any time.

-- Who has looked at their home feed lately. A post is put only into timelines of people in here, so
-- the row is there before a timeline is built and is renewed before it gets too old.
create table feed_reader (
    user_id uuid primary key references account,
    read_at timestamptz not null
);

-- Authors with so many readers that their posts are fetched at reading. Once in here, always in here.
create table feed_pulled (
    author_id uuid primary key references account,
    -- All of them are one list in the cache, and its tag is made from a column.
    list text not null default 'all' constraint feed_pulled_list_check check (list = 'all')
);

call void_on_change('feed_pulled', 'feed-pulled:{list}');
