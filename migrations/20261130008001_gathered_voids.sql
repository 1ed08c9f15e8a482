-- A void row costs a write more than the tags that it names: an insert into a table that everybody
-- writes to, and a delete later. A transaction of kith says that it gathers (`kith.gathers_voids`), its
-- triggers then only add their tags to a setting that lasts as long as the transaction, and its last
-- statement leaves all of them in one row. Every other transaction (`psql`, a script, a version of kith
-- from before this) leaves a row a statement as ever, so that none can forget to.

-- Leaves what this transaction has gathered; triggers that fire after this leave their own rows again.
create function leave_gathered_voids(out number bigint, out named text[]) language plpgsql as $$
begin
    named := string_to_array(nullif(current_setting('kith.gathered_voids', true), ''), E'\n');
    perform set_config('kith.gathers_voids', 'off', true);
    if named is not null then
        insert into cache_void (tags) values (named) returning cache_void_id into number;
    end if;
end
$$;

create or replace function leave_void(named text[]) returns void language plpgsql as $$
declare
    number bigint;
begin
    if named is null then
        return;
    end if;
    if current_setting('kith.gathers_voids', true) = 'on' then
        perform set_config('kith.gathered_voids',
            concat_ws(E'\n', nullif(current_setting('kith.gathered_voids', true), ''),
                array_to_string(named, E'\n')), true);
        return;
    end if;
    insert into cache_void (tags) values (named) returning cache_void_id into number;
    perform set_config('kith.own_voids',
        concat_ws(',', nullif(current_setting('kith.own_voids', true), ''),
            json_build_array(number, named)::text), true);
end
$$;

-- The same triggers, which gather by themselves: a call of `leave_void` and an array without doubles cost
-- more than the tags are worth.
create or replace procedure void_on_change(target regclass, variadic templates text[])
language plpgsql as $procedure$
declare
    operation text;
    source text;
    tags text;
    function_name text;
begin
    select string_agg(
               format('%L || changed.%I::text',
                      split_part(template, '{', 1),
                      split_part(split_part(template, '{', 2), '}', 1)),
               ', ')
    into tags
    from unnest(templates) as template;

    foreach operation in array array['insert', 'update', 'delete'] loop
        source := case operation
            when 'insert' then 'new_rows'
            when 'delete' then 'old_rows'
            else '(select * from new_rows union all select * from old_rows)'
        end;
        function_name := format('void_%s_%s', target, operation);
        execute format(
            $function$
            create or replace function %1$I() returns trigger language plpgsql as $body$
            begin
                if current_setting('kith.bulk', true) = 'on' then
                    return null;
                end if;
                if current_setting('kith.gathers_voids', true) = 'on' then
                    perform set_config('kith.gathered_voids',
                        concat_ws(E'\n', nullif(current_setting('kith.gathered_voids', true), ''),
                            (select string_agg(concat_ws(E'\n', %2$s), E'\n') from %3$s as changed)), true);
                else
                    perform leave_void((
                        select array_agg(distinct named.void_tag)
                        from %3$s as changed, unnest(array[%2$s]) as named (void_tag)
                        where named.void_tag is not null));
                end if;
                return null;
            end
            $body$
            $function$, function_name, tags, source);
        execute format(
            'create or replace trigger %I after %s on %s referencing %s for each statement execute function %I()',
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

call void_on_change('account', 'user:{user_id}', 'username:{username}', 'user-sessions:{user_id}');
call void_on_change('former_username', 'username:{username}');
call void_on_change('user_settings', 'settings:{user_id}');
call void_on_change('user_counter', 'user-counts:{user_id}');
call void_on_change('credential', 'me:{user_id}');
call void_on_change('session', 'session:{session_id}');
call void_on_change('friend_request', 'relations:{sender_id}', 'relations:{recipient_id}', 'friend-requests:{recipient_id}');
call void_on_change('block', 'relations:{blocker_id}', 'relations:{blocked_id}', 'timeline:{blocker_id}', 'timeline:{blocked_id}');
call void_on_change('mute', 'relations:{muter_id}');
call void_on_change('circle', 'circles:{owner_id}', 'circle:{circle_id}');
call void_on_change('circle_member', 'circle:{circle_id}');
call void_on_change('reaction', 'reactions:{target_id}', 'marks:{user_id}');
call void_on_change('reaction_summary', 'reaction-summary:{target_id}');
call void_on_change('post', 'post:{post_id}', 'author-posts:{author_id}');
call void_on_change('post_audience', 'post:{post_id}');
call void_on_change('post_counter', 'post-counts:{post_id}');
call void_on_change('saved_post', 'marks:{user_id}');
call void_on_change('hidden_post', 'marks:{user_id}');
call void_on_change('comment', 'comment:{comment_id}', 'comments:{post_id}');
call void_on_change('comment_counter', 'comment-counts:{comment_id}');
call void_on_change('feed_pulled', 'feed-pulled:{list}');
call void_on_change('conversation', 'conversation:{conversation_id}');
call void_on_change('conversation_member', 'members:{conversation_id}', 'waiting:{user_id}');
call void_on_change('conversation_mark', 'receipts:{conversation_id}', 'conversation-marks:{user_id}');
call void_on_change('message', 'message:{message_id}', 'messages:{conversation_id}');
call void_on_change('notification', 'notifications:{user_id}');
call void_on_change('notification_item', 'notifications:{user_id}');
call void_on_change('notification_marker', 'notification-marks:{user_id}');
call void_on_change('notification_preference', 'notification-marks:{user_id}');
call void_on_change('friendship', 'relations:{user_id}', 'timeline:{user_id}');
call void_on_change('follow', 'relations:{follower_id}', 'relations:{followee_id}', 'timeline:{follower_id}');
