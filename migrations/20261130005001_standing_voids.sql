-- Whether somebody counts, which a suspension, its end and a deletion change, is asked about by whoever listens to
-- what they have posted. It changes seldom, and the account's row often.
create function void_standing() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
        perform leave_void((
            select array_agg('standing:' || n.user_id)
            from new_rows n join old_rows o using (user_id)
            where n.state <> o.state or n.suspended_until is distinct from o.suspended_until));
    end if;
    return null;
end
$$;

create trigger void_standing after update on account
    referencing old table as old_rows new table as new_rows
    for each statement execute function void_standing();
