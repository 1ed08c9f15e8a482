-- What every table stands on: fuzzy search, the ledger of voided cache tags, idempotency keys and
-- background jobs.

create extension if not exists pg_trgm;

-- Tags whose cached entries a committed change has made void, one row a statement. Written only by
-- the triggers below, in the writer's own transaction, so that a change by hand in psql counts too.
create table cache_void (
    cache_void_id bigint generated always as identity primary key,
    tags text[] not null,
    created_at timestamptz not null default now()
);

-- Generations of the cache, one a run of Redis: no snapshot of Redis can bring an old one back.
create table cache_epoch (
    run_id text primary key,
    epoch bigint generated always as identity,
    created_at timestamptz not null default now()
);

-- Gives a table its statement triggers (insert, update, delete). Each further argument is the
-- template of a tag with one column in braces, as in 'post:{post_id}'; old and new rows both count.
-- The trigger functions are written out per table, so that Postgres keeps their plans. A bulk load
-- says `set local kith.bulk = on` and voids whole spaces afterwards.
create procedure void_on_change(target regclass, variadic templates text[])
language plpgsql as $procedure$
declare
    operation text;
    source text;
    tags text;
    function_name text;
begin
    foreach operation in array array['insert', 'update', 'delete'] loop
        source := case operation
            when 'insert' then 'select * from new_rows'
            when 'delete' then 'select * from old_rows'
            else 'select * from new_rows union all select * from old_rows'
        end;
        select string_agg(
                   format('select %L || %I::text as tag from changed where %I is not null',
                          split_part(template, '{', 1),
                          split_part(split_part(template, '{', 2), '}', 1),
                          split_part(split_part(template, '{', 2), '}', 1)),
                   ' union ')
        into tags
        from unnest(templates) as template;

        function_name := format('void_%s_%s', target, operation);
        execute format(
            $function$
            create function %I() returns trigger language plpgsql as $body$
            begin
                if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
                    insert into cache_void (tags)
                    select array_agg(tag)
                    from (with changed as (%s) %s) as voided
                    having count(*) > 0;
                end if;
                return null;
            end
            $body$
            $function$, function_name, source, tags);
        execute format(
            'create trigger %I after %s on %s referencing %s for each statement execute function %I()',
            function_name, operation, target,
            case operation
                when 'insert' then 'new table as new_rows'
                when 'delete' then 'old table as old_rows'
                else 'old table as old_rows new table as new_rows'
            end,
            function_name);
    end loop;
end
$procedure$;

-- Answers already given, stored by the transaction that did the work. One key counts for one
-- person, method and route.
create table idempotency (
    user_id uuid not null,
    route text not null,
    key text not null,
    fingerprint bytea not null,
    status smallint not null,
    location text,
    etag text,
    body bytea not null,
    created_at timestamptz not null,
    primary key (user_id, route, key)
);
create index idempotency_created_at_idx on idempotency (created_at);

-- Background work, queued by the transaction that wants it. A row is deleted when it is done; after
-- its last attempt it stays with `failed_at` for somebody to look at.
create table job (
    job_id uuid primary key,
    name text not null,
    payload jsonb not null,
    run_at timestamptz not null,
    attempts int not null default 0,
    last_error text,
    failed_at timestamptz,
    created_at timestamptz not null
);
create index job_due_idx on job (run_at) where failed_at is null;
