-- Whoever is suspended or gone is not to be watched any more either: those who listen to whether somebody is there
-- are asked anew when that person's settings change, and from now on when they begin or cease to count.
create or replace function void_standing() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
        perform leave_void((
            select array_agg(tag.word || n.user_id)
            from new_rows n join old_rows o using (user_id)
            cross join (values ('standing:'), ('settings:')) as tag (word)
            where n.state <> o.state or n.suspended_until is distinct from o.suspended_until));
    end if;
    return null;
end
$$;
