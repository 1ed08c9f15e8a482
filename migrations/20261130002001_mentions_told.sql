-- Whom a post or a comment has called, and when they were told: a text that takes a name out and puts it back
-- in tells nobody twice. A row outlives the notification that the text no longer gives cause for.

create table mention_told (
    source_id uuid not null,
    user_id uuid not null references account,
    told_at timestamptz not null,
    primary key (source_id, user_id)
);
create index mention_told_told_at_idx on mention_told (told_at);

insert into mention_told (source_id, user_id, told_at)
select i.source_id, i.user_id, min(i.created_at)
from notification_item i join notification n using (notification_id)
where n.kind = 'mention'
group by i.source_id, i.user_id;
