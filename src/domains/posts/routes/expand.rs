//! What a list of posts, or one post, can show besides.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::domains::posts::view::Post;
use crate::kernel::{Error, PostId, Result};
use crate::platform::Reads;
use crate::platform::http::Problem;
use crate::platform::sessions::Viewer;
use crate::words;

words! {
    /// What is shown inside each post.
    pub enum PostExpansion {
        /// Two of its comments.
        TopComments = "top_comments",
    }
}

/// The parameter, for routes that have no other.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyExpand {
    /// What to show inside each post.
    #[param(inline)]
    pub expand: Option<PostExpansion>,
}

/// Some comments of each of these posts, as the viewer may see them.
pub type Loading<'a> = Pin<Box<dyn Future<Output = Result<HashMap<PostId, Vec<Value>>>> + 'a>>;

/// How posts come by their comments. Comments know posts and not the other way round, so whoever
/// puts the program together hands it in.
#[derive(Clone, Copy)]
pub struct TopComments(pub for<'a> fn(Reads<'a>, Viewer, &'a [PostId]) -> Loading<'a>);

impl TopComments {
    /// Adds what is wanted to the posts, with one look for all of them.
    pub async fn expand(
        self,
        wanted: Option<PostExpansion>,
        reads: &mut Reads<'_>,
        viewer: Viewer,
        mut posts: Vec<Post>,
    ) -> Result<Vec<Post>> {
        if wanted.is_some() {
            let ids: Vec<PostId> = posts.iter().map(|post| post.id).collect();
            let mut found = (self.0)(reads.reborrow(), viewer, &ids).await?;
            for post in &mut posts {
                post.top_comments = Some(found.remove(&post.id).unwrap_or_default());
            }
        }
        Ok(posts)
    }
}

impl FromRequest for TopComments {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let missing = || Error::internal(anyhow::anyhow!("nobody says how posts get comments"));
        let found = request.app_data::<Self>().copied();
        ready(found.ok_or_else(|| missing().into()))
    }
}
