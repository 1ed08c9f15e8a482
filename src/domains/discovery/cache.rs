//! What is cached of discovery: what is the same for everybody. Who sees what of it is judged at each
//! read.

use std::time::Duration;

use smallvec::{SmallVec, smallvec};

use super::model::Needle;
use super::store::suggestions::{self, Candidates};
use super::store::trending::{self, TrendingPost, TrendingTag};
use super::{TRENDING_HASHTAGS, TRENDING_POSTS};
use crate::infra::cache::{Described, Key, KeyBytes, Kind, Only, Policy, Space, Value};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    SUGGESTIONS.described(),
    TRENDING.described(),
    HASHTAGS.described(),
];

/// What a prefix may mean. Most prefixes are typed once: Redis gets an entry from the second miss on,
/// and no entry has a tag of its own, because its stamp would live much longer than the entry.
pub static SUGGESTIONS: Space<Needle, Candidates> = Space {
    name: "suggestions",
    version: 1,
    kind: Kind::Timed,
    policy: Policy {
        fresh: Duration::from_mins(2),
        keep: Duration::from_mins(5),
        l1: Duration::from_mins(5),
        admit_after: 2,
        ..Policy::lasting(Duration::from_mins(5))
    },
    tags: |_needle| SmallVec::new(),
    tables: &[],
    load: |conn, needles| {
        Box::pin(async move {
            let mut found = Vec::with_capacity(needles.len());
            for needle in needles {
                found.push((needle.clone(), suggestions::candidates(conn, needle).await?));
            }
            Ok(found)
        })
    },
    walk: None,
};

/// Lives through an hour without a ranking; a process looks for what others have every two minutes.
const RANKED: Policy = Policy {
    fresh: Duration::from_secs(30),
    keep: Duration::from_hours(1),
    l1: Duration::from_mins(2),
    ..Policy::lasting(Duration::from_hours(1))
};

/// The posts that are talked about most. The job that ranks them puts them here, and a reader who
/// finds them half a minute old has them read again behind: no request waits for that.
pub static TRENDING: Space<Only, Vec<TrendingPost>> = Space {
    name: "trending-posts",
    version: 1,
    kind: Kind::Timed,
    policy: RANKED,
    tags: |_only| smallvec!["trending:posts".to_owned()],
    tables: &[],
    load: |conn, _only| {
        Box::pin(async move {
            Ok(vec![(
                Only,
                trending::top_posts(conn, TRENDING_POSTS).await?,
            )])
        })
    },
    walk: None,
};

/// The hashtags that are most in use, kept as [`TRENDING`] is.
pub static HASHTAGS: Space<Only, Vec<TrendingTag>> = Space {
    name: "trending-hashtags",
    version: 1,
    kind: Kind::Timed,
    policy: RANKED,
    tags: |_only| smallvec!["trending:hashtags".to_owned()],
    tables: &[],
    load: |conn, _only| {
        Box::pin(async move {
            let top = trending::top_hashtags(conn, TRENDING_HASHTAGS).await?;
            Ok(vec![(Only, top)])
        })
    },
    walk: None,
};

impl Key for Needle {
    fn bytes(&self) -> KeyBytes {
        let mut bytes = KeyBytes::from_slice(self.mark().as_bytes());
        bytes.extend_from_slice(self.from().as_bytes());
        bytes
    }
    fn write(&self, out: &mut String) {
        out.push_str(self.mark());
        out.push_str(self.from());
    }
}

impl Value for Candidates {
    fn weight(&self) -> usize {
        let words: usize = self.hashtags.iter().map(|tag| tag.len() + 24).sum();
        16 * self.people.len() + words + size_of::<Self>()
    }
}

impl Value for Vec<TrendingPost> {
    fn weight(&self) -> usize {
        size_of::<TrendingPost>() * self.len() + size_of::<Self>()
    }
}

impl Value for Vec<TrendingTag> {
    fn weight(&self) -> usize {
        (size_of::<TrendingTag>() + 32) * self.len() + size_of::<Self>()
    }
}
