-- Voids that nothing ends by are not left any more: no space has these tags, and nobody watches for them.
call void_on_change('friendship', 'relations:{user_id}', 'timeline:{user_id}');
call void_on_change('follow', 'relations:{follower_id}', 'relations:{followee_id}', 'timeline:{follower_id}');

do $$
declare
    target text;
    operation text;
begin
    foreach target in array array['feed_marker', 'post_hashtag', 'post_revision'] loop
        foreach operation in array array['insert', 'update', 'delete'] loop
            execute format('drop trigger %1$I on %2$I', format('void_%s_%s', target, operation), target);
            execute format('drop function %I()', format('void_%s_%s', target, operation));
        end loop;
    end loop;
end
$$;
