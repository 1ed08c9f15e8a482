-- What a group was called when somebody left it, and which version of it that was: what came after that is not
-- for them.

alter table conversation_member add column left_title text, add column left_version bigint;

-- For whoever left before this, the messages tell it: each title left one.
update conversation_member m
set left_title = nullif((
        select s.content from message s
        where s.conversation_id = m.conversation_id and s.seq <= m.left_seq
          and s.action in ('created', 'titled')
        order by s.seq desc limit 1), ''),
    left_version = 1 + (
        select count(*) from message s
        where s.conversation_id = m.conversation_id and s.seq <= m.left_seq and s.action = 'titled')
where m.state = 'left';
