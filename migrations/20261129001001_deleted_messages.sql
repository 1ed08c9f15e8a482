-- How many messages somebody has not read is told from the places of the conversation, which have no
-- gap: what is to be looked up are only those that were deleted.
create index message_deleted_idx on message (conversation_id, seq) where deleted_at is not null;
