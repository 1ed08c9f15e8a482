//! What a notification says by mail.

use super::super::model::{Kind, unsubscribe_token};
use super::super::store::MailboxRow;
use super::super::view::Notification;
use crate::infra::mail::Message;
use crate::kernel::UserId;
use crate::platform::Ctx;

/// The mail. It names people by username and holds no words of theirs, so that what is deleted or
/// hidden later stands in no mailbox.
pub fn compose(
    ctx: &Ctx,
    user_id: UserId,
    mailbox: &MailboxRow,
    notification: &Notification,
) -> Message {
    let line = line(notification);
    let web = ctx.web_url();
    let text = format!(
        "Hello @{},\n\n{line}:\n\n{}\n\nYou choose what you are mailed about here:\n\n\
         {web}/settings/notifications\n",
        mailbox.username, notification.target.url
    );
    let token = unsubscribe_token(&ctx.config().secret_key, user_id);
    Message {
        to: mailbox.email.clone(),
        subject: line,
        text,
        unsubscribe: Some(format!("{}/v1/unsubscribe?token={token}", ctx.public_url())),
    }
}

fn line(notification: &Notification) -> String {
    let first = notification.actors.first();
    let name = first.map_or_else(|| "Somebody".to_owned(), |who| format!("@{}", who.username));
    let others = notification.actor_count - 1;
    let who = match others {
        ..=0 => name,
        1 => format!("{name} and another person"),
        _ => format!("{name} and {others} others"),
    };
    let what = match notification.kind {
        Kind::FriendRequest => "asked to be your friend",
        Kind::FriendAccepted => "accepted your request for friendship",
        Kind::Comment => "commented on your post",
        Kind::Reply => "answered your comment",
        Kind::Reaction => "reacted to what you wrote",
        Kind::Mention => "mentioned you",
        Kind::Share => "shared your post",
        Kind::MessageRequest => "wrote to you",
        Kind::GroupInvitation => "added you to a group",
    };
    format!("{who} {what}")
}
