-- Streams: what people are told live, in an order that outlives Redis. A stream's top is one row,
-- locked by every event of that stream until its transaction commits: that lock is the ordering. An
-- event holds no content, because what it is about is rendered anew whenever it is told; so a replay
-- brings back nothing that was deleted or narrowed since.

-- Which series of offsets this database gives out. A restored backup begins another one, so that no
-- client takes a position of the lost time for one of this.
create table stream_epoch (
    only_row boolean primary key default true constraint stream_epoch_only_row_check check (only_row),
    epoch text not null default substr(md5(random()::text || clock_timestamp()::text), 1, 8)
);
insert into stream_epoch default values;

create table stream (
    topic text not null,
    id uuid not null,
    top bigint not null,
    primary key (topic, id)
) with (fillfactor = 50);

-- Inboxes are kept longer than the rest, and a day goes by dropping its table.
create table stream_event (
    topic text not null,
    id uuid not null,
    number bigint not null,
    kind text not null,
    object_id uuid,
    actor_id uuid,
    detail jsonb,
    op_id text,
    at timestamptz not null,
    primary key (topic, id, number, at)
) partition by list (topic);

create table stream_event_inbox partition of stream_event for values in ('user')
    partition by range (at);
create table stream_event_other partition of stream_event default
    partition by range (at);
-- Nothing is refused because a day's table is not there yet.
create table stream_event_inbox_rest partition of stream_event_inbox default;
create table stream_event_other_rest partition of stream_event_other default;

-- Makes the tables of the coming days, and drops those of days that are over. It runs with the rights
-- of whoever owns the schema, so the program needs none to change it.
create function keep_stream_partitions(today date, days_inbox int, days_other int) returns void
language plpgsql security definer set search_path = public, pg_temp as $function$
declare
    parent text;
    days int;
    day date;
    part text;
begin
    perform set_config('lock_timeout', '1s', true);
    foreach parent in array array['stream_event_inbox', 'stream_event_other'] loop
        days := case parent when 'stream_event_inbox' then days_inbox else days_other end;
        for day in select generate_series(today - 1, today + 2, interval '1 day')::date loop
            part := parent || '_' || to_char(day, 'YYYYMMDD');
            -- A day whose rows came before its table stays among the rest.
            if to_regclass(part) is null and not exists (
                select from stream_event as event
                where event.tableoid = (parent || '_rest')::regclass
                  and event.at >= day and event.at < day + 1)
            then
                execute format('create table %I (like %I including defaults)', part, parent);
                execute format('alter table %I attach partition %I for values from (%L) to (%L)',
                               parent, part, day::timestamptz, (day + 1)::timestamptz);
            end if;
        end loop;
        for part in
            select child.relname from pg_inherits
            join pg_class as child on child.oid = pg_inherits.inhrelid
            where pg_inherits.inhparent = parent::regclass
              and child.relname ~ ('^' || parent || '_[0-9]{8}$')
              and to_date(right(child.relname, 8), 'YYYYMMDD') < today - days
        loop
            execute format('drop table %I', part);
        end loop;
    end loop;
    delete from stream_event_inbox_rest where at < today - days_inbox;
    delete from stream_event_other_rest where at < today - days_other;
end
$function$;

select keep_stream_partitions(current_date, 30, 7);
