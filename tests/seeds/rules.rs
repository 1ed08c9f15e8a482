//! Rules of what small data sets have told their people, and of conversations: each of these counts rows that
//! break one. They are written from what the domains write, not from how the seeds do.

/// Notifications are what their handlers would have written.
pub const TOLD: &[&str] = &[
    // Ids are of their time, as all others.
    "select count(*) from (
         select notification_id as id, created_at from notification
         union all select notification_item_id, created_at from notification_item
     ) as made
     where substr(id::text, 15, 1) <> '7' or substr(id::text, 20, 1) not in ('8', '9', 'a', 'b')
        or ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
           <> floor(extract(epoch from created_at) * 1000)",
    "select count(*) from notification n join (
         select notification_id, count(distinct actor_id) as actors, min(created_at) as first, max(created_at) as last
         from notification_item group by notification_id
     ) i using (notification_id)
     where (n.actor_count, n.created_at, n.updated_at) <> (i.actors, i.first, i.last)",
    "select count(*) from notification n
     where not exists (select from notification_item i where i.notification_id = n.notification_id)",
    "select count(*) from notification_item i join notification n using (notification_id)
     where i.user_id <> n.user_id or i.actor_id = i.user_id",
    // Keys, and where they lead.
    "select count(*) from notification n left join comment c on c.comment_id = n.comment_id
     where n.group_key <> case
             when n.conversation_id is not null then n.kind || ':' || n.conversation_id
             when n.comment_id is not null then n.kind || ':comment:' || n.comment_id
             when n.kind = 'reply' then 'reply:comment:' || (
                 select min(c.parent_id::text) from notification_item i join comment c on c.comment_id = i.source_id
                 where i.notification_id = n.notification_id)
             when n.post_id is not null then n.kind || ':post:' || n.post_id
             else n.kind || ':' || (
                 select min(i.source_id::text) from notification_item i where i.notification_id = n.notification_id)
         end
        or (n.kind in ('reaction', 'mention', 'comment', 'reply', 'share')) <> (n.post_id is not null)
        or (n.kind in ('message_request', 'group_invitation')) <> (n.conversation_id is not null)
        or c.post_id <> n.post_id",
    // Whoever is called is named in a text that they may see, and told no other way of it.
    "select count(*) from notification n join notification_item i using (notification_id)
     join account a on a.user_id = n.user_id
     left join post p on p.post_id = i.source_id left join comment c on c.comment_id = i.source_id
     where n.kind = 'mention' and (
         position('@' || a.username in lower(coalesce(p.content, c.content))) = 0
         or not exists (select from visible_post(n.user_id) v where v.post_id = n.post_id))",
    "select count(*) from notification n join notification_item i using (notification_id)
     join notification_item o on (o.user_id, o.source_id, o.actor_id) = (i.user_id, i.source_id, i.actor_id)
     join notification other on other.notification_id = o.notification_id
     where n.kind = 'mention' and other.kind in ('comment', 'reply', 'share')",
    "select count(*) from (
         select i.source_id, i.user_id, i.created_at from notification_item i join notification n using (notification_id)
         where n.kind = 'mention' except select source_id, user_id, told_at from mention_told) as missing",
    // Nothing is left out of the last two weeks, nor is anything told that did not happen.
    "select count(*) from (
         select p.author_id as user_id, r.user_id as actor_id, r.target_id as source_id, 'reaction' as kind, r.created_at
         from reaction r join post p on r.target_kind = 'post' and p.post_id = r.target_id and p.deleted_at is null
         union all
         select c.author_id, r.user_id, r.target_id, 'reaction', r.created_at
         from reaction r
         join comment c on r.target_kind = 'comment' and c.comment_id = r.target_id and c.deleted_at is null
         union all
         select sender_id, recipient_id, friend_request_id, 'friend_accepted', decided_at
         from friend_request where state = 'accepted'
         union all
         select recipient_id, sender_id, friend_request_id, 'friend_request', created_at
         from friend_request where state = 'pending'
         union all
         select m.user_id, o.user_id, c.conversation_id,
                case c.kind when 'direct' then 'message_request' else 'group_invitation' end,
                case c.kind when 'direct' then s.created_at else m.joined_at end
         from conversation_member m join conversation c using (conversation_id)
         join conversation_member o on o.conversation_id = c.conversation_id and o.user_id <> m.user_id
         join message s on s.conversation_id = c.conversation_id and s.seq = 1
         where m.state in ('request', 'active')
           and case c.kind when 'direct' then m.state = 'request' else o.role = 'owner' end
         union all
         select o.author_id, p.author_id, p.post_id, 'share', p.created_at
         from post p join post o on o.post_id = p.shared_post_id
         where p.deleted_at is null
           and not exists (select from mention_told t where (t.source_id, t.user_id) = (p.post_id, o.author_id))
         union all
         select p.author_id, c.author_id, c.comment_id, 'comment', c.created_at
         from comment c join post p on p.post_id = c.post_id and p.deleted_at is null
         left join comment up on up.comment_id = c.parent_id and up.deleted_at is null
         where c.deleted_at is null and up.author_id is distinct from p.author_id
           and not exists (select from mention_told t where (t.source_id, t.user_id) = (c.comment_id, p.author_id))
         union all
         select up.author_id, c.author_id, c.comment_id, 'reply', c.created_at
         from comment c join post p on p.post_id = c.post_id and p.deleted_at is null
         join comment up on up.comment_id = c.parent_id and up.deleted_at is null
         where c.deleted_at is null
           and not exists (select from mention_told t where (t.source_id, t.user_id) = (c.comment_id, up.author_id))
     ) as happened
     full join (
         select i.user_id, i.actor_id, i.source_id, n.kind, i.created_at
         from notification_item i join notification n using (notification_id) where n.kind <> 'mention'
     ) as told using (user_id, actor_id, source_id, kind, created_at)
     where (happened is null or told is null and created_at > timestamptz '2026-10-31Z' - interval '13 days')
       and user_id <> actor_id
       and user_id in (select a.user_id from account a where a.state <> 'deleted')",
    "select count(*) from friend_request r join notification_marker m on m.user_id = r.recipient_id
     where r.state = 'pending' and (r.seen_at is not null) <> (r.created_at <= m.seen_up_to)",
];

/// Conversations are what their members could have made of them.
pub const TALKS: &[&str] = &[
    "select count(*) from message where version <> 1 + (edited_at is not null)::int + (deleted_at is not null)::int
        or (deleted_at is not null) <> (content = '' and (action is null or action in ('created', 'titled')))
        or edited_at < created_at or deleted_at < created_at or (action is not null and version > 1)",
    "select count(*) from message m join message a on a.message_id = m.reply_to_id
     where a.conversation_id <> m.conversation_id or a.seq >= m.seq or a.action is not null
        or a.deleted_at < m.created_at",
    "select count(*) from reaction r join message m on m.message_id = r.target_id
     where r.target_kind = 'message' and (
         m.deleted_at is not null or m.action is not null or r.created_at < m.created_at
         or not exists (select from conversation_member s
                        where (s.conversation_id, s.user_id, s.state) = (m.conversation_id, r.user_id, 'active')
                          and s.joined_at <= r.created_at))",
    "select count(*) from conversation c where c.kind = 'group' and (
         c.title <> (select m.content from message m
                     where m.conversation_id = c.conversation_id and m.action in ('created', 'titled')
                     order by m.seq desc limit 1)
         or c.version <> 1 + (select count(*) from message m
                              where m.conversation_id = c.conversation_id and m.action = 'titled')
         or 1 <> (select count(*) from conversation_member s
                  where s.conversation_id = c.conversation_id and s.role = 'owner' and s.state = 'active'))",
    "select count(*) from conversation_member s where s.state = 'left' and not exists (
         select from message m
         where (m.conversation_id, m.seq, m.created_at) = (s.conversation_id, s.left_seq, s.left_at)
           and (m.action = 'left' and m.author_id = s.user_id or m.action = 'removed' and m.subject_id = s.user_id)
           and s.left_version = 1 + (select count(*) from message t where t.conversation_id = m.conversation_id
                                     and t.action = 'titled' and t.seq < m.seq))",
    "select count(*) from conversation_mark k join conversation_member s using (conversation_id, user_id)
     join conversation c using (conversation_id)
     where k.shown_up_to > k.read_up_to or k.delivered_up_to < k.shown_up_to
        or greatest(k.delivered_up_to, k.cleared_up_to, k.read_up_to) > coalesce(s.left_seq, c.top_seq)
        or k.shown_up_to < (select coalesce(max(m.seq), 0) from message m
                            where (m.conversation_id, m.author_id) = (k.conversation_id, k.user_id))",
];

/// A post has been seen by as many as its counter says, all of whom may see it.
pub const VIEWS: &[&str] = &[
    "select count(*) from post_counter c
     where c.views <> (select count(*) from post_view v where v.post_id = c.post_id)",
    "select count(*) from post_view v join post p using (post_id)
     where v.day < (p.created_at at time zone 'UTC')::date or v.day > '2026-11-01'
        or not exists (select from visible_post(v.user_id) s where s.post_id = v.post_id)",
];
