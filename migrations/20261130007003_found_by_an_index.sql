-- Who was here lately, which warming asks.
create index session_last_active_at_idx on session (last_active_at) include (user_id, session_id)
    where revoked_at is null;

-- What retention deletes by.
create index mail_token_expires_at_idx on mail_token (expires_at);
create index former_username_released_at_idx on former_username (released_at);

-- Who has the public password of the seeds, by its salt: nobody, where people are served.
create index credential_demo_idx on credential (user_id) where password_hash like '%$a2l0aCBkZW1vIHNlZWRzIQ$%';
