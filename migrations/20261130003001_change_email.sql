-- A link that is mailed to a new address makes it that of the account.
alter table mail_token
    drop constraint mail_token_purpose_check,
    add constraint mail_token_purpose_check check (purpose in ('verify_email', 'reset_password', 'change_email'));
