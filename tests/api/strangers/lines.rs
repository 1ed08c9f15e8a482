//! The routes by subject, with what each is about.

use serde_json::{Value, json};

use super::About::{Alice, Anybody, Caller, Friends};
use super::{ADMIN, HIDDEN, Line, READABLE, Scene, line, with};

/// Coming in and going out.
pub fn auth() -> Vec<Line> {
    vec![
        with("POST /v1/auth/register", Anybody(422), json!({})),
        with("POST /v1/auth/login", Anybody(422), json!({})),
        with(
            "POST /v1/auth/refresh",
            Anybody(401),
            json!({"refresh_token": "x"}),
        ),
        with(
            "POST /v1/auth/verify-email",
            Anybody(422),
            json!({"token": "x"}),
        ),
        with(
            "POST /v1/auth/forgot-password",
            Anybody(202),
            json!({"email": "nobody@example.org"}),
        ),
        with(
            "POST /v1/auth/reset-password",
            Anybody(422),
            json!({"token": "x", "password": "a new long passphrase"}),
        ),
        line("POST /v1/auth/logout", Caller),
        line("POST /v1/auth/logout-all", Caller),
        with("POST /v1/auth/reauth", Caller, json!({"password": "x"})),
        with("POST /v1/auth/resend-verification", Anybody(422), json!({})),
        with(
            "PUT /v1/me/password",
            Caller,
            json!({"current_password": "x", "new_password": "x"}),
        ),
        with(
            "PUT /v1/me/email",
            Caller,
            json!({"email": "x@example.org", "password": "x"}),
        ),
        line("GET /v1/me/sessions", Caller),
        line("DELETE /v1/me/sessions", Caller),
        line("DELETE /v1/me/sessions/{session}", HIDDEN),
        line("GET /v1/me/security-log", Caller),
    ]
}

/// What is told live. A socket may say in its first frame who it is, so the upgrade itself is open.
pub fn realtime() -> Vec<Line> {
    vec![
        line("POST /v1/realtime/tickets", Caller),
        line("GET /v1/realtime", Anybody(400)),
        line("GET /v1/realtime/sse", Caller),
        line("GET /v1/realtime/poll", Caller),
        with("POST /v1/realtime/commands", Caller, json!([])),
        line("GET /v1/presence?ids={alice}", Caller),
    ]
}

/// Profiles, settings and what belongs to the caller.
pub fn people() -> Vec<Line> {
    vec![
        line("GET /v1/me", Caller),
        with("PATCH /v1/me", Caller, json!({})),
        with("DELETE /v1/me", Caller, json!({"password": "x"})),
        line("GET /v1/me/settings", Caller),
        with("PATCH /v1/me/settings", Caller, json!({})),
        line("GET /v1/me/counts", Caller),
        line("GET /v1/events", Caller),
        line("GET /v1/notifications", Caller),
        with(
            "PUT /v1/notifications/seen",
            Caller,
            json!({"up_to": "2026-11-20T00:00:00Z"}),
        ),
        with(
            "PUT /v1/notifications/read-all",
            Caller,
            json!({"up_to": "2026-11-20T00:00:00Z"}),
        ),
        line("PUT /v1/notifications/{notification}/read", HIDDEN),
        line("DELETE /v1/notifications/{notification}", HIDDEN),
        line("GET /v1/me/notification-preferences", Caller),
        with(
            "PUT /v1/me/notification-preferences",
            Caller,
            json!({"preferences": {}}),
        ),
        with("PUT /v1/me/push-subscriptions/{device}", Caller, json!({})),
        line("DELETE /v1/me/push-subscriptions/{device}", Caller),
        line("POST /v1/unsubscribe", Anybody(422)),
        line("GET /v1/me/saved", Caller),
        line(
            "GET /v1/users/{alice}",
            Alice {
                signed_out: 200,
                stranger: 200,
            },
        ),
        line("GET /v1/users?ids={alice}", Anybody(200)),
        line(
            "GET /v1/users/{alice}/posts",
            Alice {
                signed_out: 200,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/friends",
            Alice {
                signed_out: 401,
                stranger: 403,
            },
        ),
        line(
            "GET /v1/users/{alice}/mutual-friends",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/followers",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/following",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/search/users?q=alice", Caller),
        line("GET /v1/search/suggestions?q=alice", Caller),
    ]
}

/// What is between two people.
pub fn relation(alice: &Value) -> Vec<Line> {
    vec![
        with(
            "POST /v1/friend-requests",
            Alice {
                signed_out: 401,
                stranger: 201,
            },
            alice.clone(),
        ),
        line("GET /v1/friend-requests", Caller),
        line("GET /v1/friend-requests/{request}", HIDDEN),
        line("POST /v1/friend-requests/{request}/accept", HIDDEN),
        line("POST /v1/friend-requests/{request}/decline", HIDDEN),
        line("DELETE /v1/friend-requests/{request}", HIDDEN),
        line("GET /v1/friends", Caller),
        line(
            "DELETE /v1/friends/{alice}",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/friends/suggestions", Caller),
        line(
            "DELETE /v1/friends/suggestions/{alice}",
            Alice {
                signed_out: 401,
                stranger: 204,
            },
        ),
        line(
            "PUT /v1/users/{alice}/follow",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "DELETE /v1/users/{alice}/follow",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "PUT /v1/users/{alice}/mute",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "DELETE /v1/users/{alice}/mute",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/mutes", Caller),
        line("GET /v1/blocks", Caller),
        line("PUT /v1/users/{nobody}/block", HIDDEN),
        line("DELETE /v1/users/{nobody}/block", HIDDEN),
        line("GET /v1/relationships?ids={alice}", Caller),
        line("GET /v1/circles", Caller),
        with("POST /v1/circles", Caller, json!({"name": "x"})),
        line("GET /v1/circles/{circle}", HIDDEN),
        with("PATCH /v1/circles/{circle}", HIDDEN, json!({"name": "y"})),
        line("DELETE /v1/circles/{circle}", HIDDEN),
        line("GET /v1/circles/{circle}/members", HIDDEN),
        line("PUT /v1/circles/{circle}/members/{alice}", HIDDEN),
        line("DELETE /v1/circles/{circle}/members/{alice}", HIDDEN),
    ]
}

/// Posts, comments and the feed.
pub fn post(scene: &Scene) -> Vec<Line> {
    let like = json!({"kind": "like"});
    vec![
        with("POST /v1/posts", Caller, json!({"content": "x"})),
        line("GET /v1/posts?ids={post}", Anybody(200)),
        line("GET /v1/posts/{post}", READABLE),
        with("PATCH /v1/posts/{post}", HIDDEN, json!({"content": "y"})),
        line("DELETE /v1/posts/{post}", HIDDEN),
        line("POST /v1/posts/{post}/restore", HIDDEN),
        line("GET /v1/posts/{post}/history", READABLE),
        with("PUT /v1/posts/{post}/reaction", HIDDEN, like.clone()),
        line("DELETE /v1/posts/{post}/reaction", HIDDEN),
        line("GET /v1/posts/{post}/reactions", READABLE),
        line("PUT /v1/posts/{post}/saved", HIDDEN),
        line("DELETE /v1/posts/{post}/saved", HIDDEN),
        line("PUT /v1/posts/{post}/hidden", HIDDEN),
        line("DELETE /v1/posts/{post}/hidden", HIDDEN),
        line("PUT /v1/posts/{post}/mute", HIDDEN),
        line("DELETE /v1/posts/{post}/mute", HIDDEN),
        line("GET /v1/posts/{post}/comments", READABLE),
        with(
            "POST /v1/posts/{post}/comments",
            HIDDEN,
            json!({"content": "x"}),
        ),
        line("GET /v1/comments/{comment}", READABLE),
        with(
            "PATCH /v1/comments/{comment}",
            HIDDEN,
            json!({"content": "y"}),
        ),
        line("DELETE /v1/comments/{comment}", HIDDEN),
        line("GET /v1/comments/{comment}/replies", READABLE),
        with("PUT /v1/comments/{comment}/reaction", HIDDEN, like),
        line("DELETE /v1/comments/{comment}/reaction", HIDDEN),
        with(
            "POST /v1/posts",
            Friends {
                signed_out: 401,
                stranger: 422,
            },
            json!({"content": "x", "shared_post_id": scene.post}),
        ),
        line("GET /v1/feed", Caller),
        line("GET /v1/feed/marker", Caller),
        with(
            "PUT /v1/feed/marker",
            Friends {
                signed_out: 401,
                stranger: 422,
            },
            json!({"post_id": scene.post}),
        ),
        line("GET /v1/trending/posts", Anybody(200)),
        line("GET /v1/trending/hashtags", Anybody(200)),
        line("GET /v1/admin/stats", Caller),
        with("POST /v1/views", Caller, json!({"post_ids": [scene.post]})),
        line("GET /v1/hashtags/{tag}/posts", Anybody(200)),
    ]
}

/// Conversations and what is said in them.
pub fn messages(alice: &Value) -> Vec<Line> {
    let content = json!({"content": "x"});
    let up_to = json!({"up_to": 1});
    vec![
        line("GET /v1/conversations", Caller),
        with(
            "POST /v1/conversations",
            Alice {
                signed_out: 401,
                stranger: 201,
            },
            json!({"member_ids": [alice["user_id"]]}),
        ),
        line("GET /v1/conversations/{conversation}", HIDDEN),
        with(
            "PATCH /v1/conversations/{conversation}",
            HIDDEN,
            json!({"title": "x"}),
        ),
        line("GET /v1/conversations/{conversation}/members", HIDDEN),
        line(
            "PUT /v1/conversations/{conversation}/members/{alice}",
            HIDDEN,
        ),
        with(
            "PATCH /v1/conversations/{conversation}/members/{alice}",
            HIDDEN,
            json!({"role": "admin"}),
        ),
        line(
            "DELETE /v1/conversations/{conversation}/members/{alice}",
            HIDDEN,
        ),
        with(
            "PATCH /v1/conversations/{conversation}/me",
            HIDDEN,
            json!({"archived": true}),
        ),
        line("GET /v1/conversations/{conversation}/messages", HIDDEN),
        with(
            "POST /v1/conversations/{conversation}/messages",
            HIDDEN,
            content.clone(),
        ),
        with(
            "PUT /v1/conversations/{conversation}/read",
            HIDDEN,
            up_to.clone(),
        ),
        with(
            "PUT /v1/conversations/{conversation}/delivered",
            HIDDEN,
            up_to,
        ),
        line("POST /v1/conversations/{conversation}/accept", HIDDEN),
        line("POST /v1/conversations/{conversation}/decline", HIDDEN),
        with("PATCH /v1/messages/{message}", HIDDEN, content),
        line("DELETE /v1/messages/{message}", HIDDEN),
        with(
            "PUT /v1/messages/{message}/reaction",
            HIDDEN,
            json!({"kind": "like"}),
        ),
        line("DELETE /v1/messages/{message}/reaction", HIDDEN),
    ]
}

/// What administrators alone may do.
pub fn administration() -> Vec<Line> {
    vec![
        line("GET /v1/admin/realtime", ADMIN),
        with(
            "POST /v1/admin/announcements",
            ADMIN,
            json!({"content": "x"}),
        ),
        line("GET /v1/admin/jobs", ADMIN),
        line("POST /v1/admin/cache/warm", ADMIN),
        line("GET /v1/admin/cache", ADMIN),
        line("POST /v1/admin/cache/spaces/{space}/invalidate", ADMIN),
        line("POST /v1/admin/jobs/{job}/run", ADMIN),
        line("GET /v1/admin/deliveries", ADMIN),
        line("POST /v1/admin/deliveries/retry", ADMIN),
        line("GET /v1/admin/users", ADMIN),
        line("GET /v1/admin/users/{alice}", ADMIN),
        with(
            "PATCH /v1/admin/users/{alice}",
            ADMIN,
            json!({"role": "admin"}),
        ),
    ]
}
