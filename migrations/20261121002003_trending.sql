-- What is talked about, ranked anew every minute by a job: public posts by active people, and the
-- hashtags of such posts. Who reads is left out here; it decides what is shown when it is read.

create table trending_post (
    post_id uuid primary key references post,
    score bigint not null
);
create index trending_post_score_idx on trending_post (score desc, post_id desc);

create table trending_hashtag (
    tag text collate "C" primary key,
    score bigint not null,
    posts int not null,
    people int not null
);
create index trending_hashtag_score_idx on trending_hashtag (score desc, tag);
