-- Messages are reacted to like posts and comments.

alter table reaction drop constraint reaction_target_kind_check;
alter table reaction add constraint reaction_target_kind_check
    check (target_kind in ('post', 'comment', 'message'));
