-- Whoever has left a group and is asked into it again keeps, until they answer, how far they saw it when they left:
-- declining leaves them what they had.
alter table conversation_member
    add column former_left_seq bigint,
    add column former_left_at timestamptz,
    add constraint former_left_is_whole check ((former_left_seq is null) = (former_left_at is null));
