-- How many conversations wait for a person is kept in the cache, and ends with each message of any
-- of them, with any change of their own part in one, and with a block.

call void_on_change('conversation_member', 'members:{conversation_id}', 'waiting:{user_id}');

-- A message names its conversation and not who is in it, so its tags are looked up. Of its changes
-- only being deleted counts.
create function void_waiting() returns trigger language plpgsql as $$
declare
    number bigint;
begin
    if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
        insert into cache_void (tags)
        select array_agg(distinct 'waiting:' || m.user_id::text)
        from changed join conversation_member m on m.conversation_id = changed.conversation_id
        where m.state in ('active', 'request')
          and (tg_op <> 'UPDATE' or changed.deleted_at is not null)
        having count(*) > 0
        returning cache_void_id into number;
        if number is not null then
            perform set_config('kith.voids',
                concat_ws(',', nullif(current_setting('kith.voids', true), ''), number), true);
        end if;
    end if;
    return null;
end
$$;

create trigger void_waiting_insert after insert on message
    referencing new table as changed for each statement execute function void_waiting();
create trigger void_waiting_update after update on message
    referencing new table as changed for each statement execute function void_waiting();
create trigger void_waiting_delete after delete on message
    referencing old table as changed for each statement execute function void_waiting();
