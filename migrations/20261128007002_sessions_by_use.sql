-- When somebody was last here is asked of ended sessions too.
create index session_user_id_last_active_at_idx on session (user_id, last_active_at desc);
drop index session_user_id_idx;
