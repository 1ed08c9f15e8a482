-- A link that is mailed to a new address makes it that of the account, as long as it is the one that was asked for
-- last and no password was set since.
alter table credential add column pending_email text;
alter table mail_token
    drop constraint mail_token_purpose_check,
    add constraint mail_token_purpose_check check (purpose in ('verify_email', 'reset_password', 'change_email'));
