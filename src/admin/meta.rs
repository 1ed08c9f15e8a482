//! What a client should know before it begins.

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::{
    auth, comments, messaging, notifications, posts, reactions, relations, users,
};
use crate::kernel::UserId;
use crate::platform::Ctx;
use crate::platform::config::Registration;
use crate::platform::http::{BodyLimit, HttpResult, IdList, MAX_LIMIT, json_with_etag};

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_meta);
}

/// What this server offers and what it asks for.
#[derive(Debug, Serialize, ToSchema)]
struct Meta {
    /// The program's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `open`, `invite` or `closed`.
    #[schema(example = "open")]
    registration: &'static str,
    /// Whether public things can be read without signing in.
    public_read: bool,
    /// Most characters (code points) and bytes by field.
    limits: Limits,
    /// What a password must be.
    passwords: Passwords,
    /// Kinds of reaction.
    reactions: Vec<&'static str>,
    /// The key under which browsers subscribe to push (VAPID): base64url.
    vapid_public_key: String,
    /// Where what happens is told live.
    realtime: RealtimeAddresses,
    /// Parts that this server has.
    features: Vec<&'static str>,
}

/// Addresses of what is told live.
#[derive(Debug, Serialize, ToSchema)]
struct RealtimeAddresses {
    /// The WebSocket.
    #[schema(example = "wss://api.example.org/v1/realtime")]
    websocket: String,
    /// The stream of server-sent events.
    #[schema(example = "https://api.example.org/v1/realtime/sse")]
    sse: String,
    /// The long poll.
    #[schema(example = "https://api.example.org/v1/realtime/poll")]
    poll: String,
    /// Where those without a socket send their frames.
    #[schema(example = "https://api.example.org/v1/realtime/commands")]
    commands: String,
    /// Where a ticket for one connection is made.
    #[schema(example = "https://api.example.org/v1/realtime/tickets")]
    tickets: String,
}

impl RealtimeAddresses {
    fn at(public_url: &str) -> Self {
        let base = format!("{}/v1/realtime", public_url.trim_end_matches('/'));
        let of = |place: &str| format!("{base}/{place}");
        Self {
            // `http` becomes `ws`, and `https` `wss`.
            websocket: base.replacen("http", "ws", 1),
            sse: of("sse"),
            poll: of("poll"),
            commands: of("commands"),
            tickets: of("tickets"),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    /// Characters of a post.
    post: usize,
    /// Characters of a comment.
    comment: usize,
    /// Levels of replies below a comment.
    comment_depth: i16,
    /// Characters of a message.
    message: usize,
    /// People in a group conversation.
    conversation_members: usize,
    /// Characters of a display name.
    display_name: usize,
    /// Characters of a bio.
    bio: usize,
    /// Characters of a place.
    location: usize,
    /// Characters of a circle's name.
    circle_name: usize,
    /// Characters of a group's title.
    conversation_title: usize,
    /// Entries of a page, at the most.
    page: u16,
    /// Ids in one batch.
    ids: usize,
    /// Bytes of a request's body.
    body_bytes: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Passwords {
    /// Fewest characters.
    min_length: usize,
    /// Most characters.
    max_length: usize,
}

/// What this server offers
#[utoipa::path(tag = "Operations", responses((status = 200, body = Meta)))]
#[get("/meta")]
async fn get_meta(ctx: Ctx, request: HttpRequest) -> HttpResult<HttpResponse> {
    let config = ctx.config();
    let meta = Meta {
        version: env!("CARGO_PKG_VERSION"),
        registration: match config.registration {
            Registration::Open => "open",
            Registration::Invite => "invite",
            Registration::Closed => "closed",
        },
        public_read: config.public_read,
        limits: Limits {
            post: posts::Content::MAX,
            comment: comments::Content::MAX,
            comment_depth: comments::MAX_DEPTH,
            message: messaging::Content::MAX,
            conversation_members: messaging::MAX_MEMBERS,
            display_name: users::DisplayName::MAX,
            bio: users::Bio::MAX,
            location: users::Location::MAX,
            circle_name: relations::CircleName::MAX,
            conversation_title: messaging::ConversationTitle::MAX,
            page: MAX_LIMIT,
            ids: IdList::<UserId>::MAX,
            body_bytes: BodyLimit::default().0,
        },
        passwords: Passwords {
            min_length: auth::MIN_PASSWORD,
            max_length: auth::MAX_PASSWORD,
        },
        reactions: reactions::Kind::ALL
            .iter()
            .map(|kind| kind.as_str())
            .collect(),
        vapid_public_key: notifications::vapid_public_key(&ctx),
        realtime: RealtimeAddresses::at(ctx.public_url()),
        features: vec![
            "feed",
            "circles",
            "search",
            "messages",
            "notifications",
            "webpush",
            "realtime",
        ],
    };
    Ok(json_with_etag(&request, 0, &meta))
}
