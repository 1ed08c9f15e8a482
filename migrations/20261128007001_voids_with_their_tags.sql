-- The triggers leave with the numbers of their rows the tags as well, in `kith.own_voids`, so that a
-- writer delivers them without reading `cache_void`. That table is emptied as fast as it is filled: what
-- was deleted from it lies in every reader's way until it is vacuumed.

-- Leaves a void, and a note of it that lasts as long as the transaction: JSON arrays of number and
-- tags, with commas between them.
create function leave_void(named text[]) returns void language plpgsql as $$
declare
    number bigint;
begin
    if named is null then
        return;
    end if;
    insert into cache_void (tags) values (named) returning cache_void_id into number;
    perform set_config('kith.own_voids',
        concat_ws(',', nullif(current_setting('kith.own_voids', true), ''),
            json_build_array(number, named)::text), true);
end
$$;

create or replace procedure void_on_change(target regclass, variadic templates text[])
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
                   format('(%L || changed.%I::text)',
                          split_part(template, '{', 1),
                          split_part(split_part(template, '{', 2), '}', 1)),
                   ', ')
        into tags
        from unnest(templates) as template;

        function_name := format('void_%s_%s', target, operation);
        execute format(
            $function$
            create or replace function %I() returns trigger language plpgsql as $body$
            begin
                if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
                    perform leave_void((
                        select array_agg(distinct named.void_tag)
                        from (%s) as changed, lateral (values %s) as named (void_tag)
                        where named.void_tag is not null));
                end if;
                return null;
            end
            $body$
            $function$, function_name, source, tags);
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
-- What the timeline of a person is made from: friends and the people they follow.
call void_on_change('friendship', 'friends:{user_id}', 'relations:{user_id}', 'timeline:{user_id}');
call void_on_change('friend_request', 'relations:{sender_id}', 'relations:{recipient_id}', 'friend-requests:{recipient_id}');
call void_on_change('follow', 'relations:{follower_id}', 'relations:{followee_id}', 'followers:{followee_id}', 'timeline:{follower_id}');
call void_on_change('block', 'relations:{blocker_id}', 'relations:{blocked_id}', 'timeline:{blocker_id}', 'timeline:{blocked_id}');
call void_on_change('mute', 'relations:{muter_id}');
call void_on_change('circle', 'circles:{owner_id}', 'circle:{circle_id}');
call void_on_change('circle_member', 'circle:{circle_id}');
call void_on_change('reaction', 'reactions:{target_id}', 'marks:{user_id}');
call void_on_change('reaction_summary', 'reaction-summary:{target_id}');
call void_on_change('post', 'post:{post_id}', 'author-posts:{author_id}');
call void_on_change('post_audience', 'post:{post_id}');
call void_on_change('post_revision', 'post-history:{post_id}');
call void_on_change('post_counter', 'post-counts:{post_id}');
call void_on_change('post_hashtag', 'hashtag:{tag}');
call void_on_change('saved_post', 'marks:{user_id}');
call void_on_change('hidden_post', 'marks:{user_id}');
call void_on_change('comment', 'comment:{comment_id}', 'comments:{post_id}');
call void_on_change('comment_counter', 'comment-counts:{comment_id}');
call void_on_change('feed_marker', 'feed-marker:{user_id}');
call void_on_change('feed_pulled', 'feed-pulled:{list}');
call void_on_change('conversation', 'conversation:{conversation_id}');
call void_on_change('conversation_member', 'members:{conversation_id}', 'waiting:{user_id}');
call void_on_change('conversation_mark', 'receipts:{conversation_id}', 'conversation-marks:{user_id}');
call void_on_change('message', 'message:{message_id}', 'messages:{conversation_id}');
call void_on_change('notification', 'notifications:{user_id}');
call void_on_change('notification_item', 'notifications:{user_id}');
call void_on_change('notification_marker', 'notification-marks:{user_id}');
call void_on_change('notification_preference', 'notification-marks:{user_id}');

create or replace function void_waiting() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('kith.bulk', true), 'off') <> 'on' then
        perform leave_void((
            select array_agg(distinct 'waiting:' || m.user_id::text)
            from changed join conversation_member m on m.conversation_id = changed.conversation_id
            where m.state in ('active', 'request')
              and (tg_op <> 'UPDATE' or changed.deleted_at is not null)));
    end if;
    return null;
end
$$;
