//! Posts, comments and likes of the LDBC social network.

use std::collections::{HashMap, HashSet};

use super::Reader;
use super::read::{Csv, Line};
use crate::domains::reactions::{self, Target};
use crate::domains::{comments, posts};
use crate::kernel::text;
use crate::kernel::{CommentId, PostId, Timestamp, UserId};
use crate::seeds::dataset::{Comment, Post, Reaction};
use crate::seeds::draw::Thing;

const POST: &[&str] = &[
    "id",
    "imageFile",
    "creationDate",
    "locationIP",
    "browserUsed",
    "language",
    "content",
    "length",
    "creator",
    "Forum.id",
    "place",
];
const COMMENT: &[&str] = &[
    "id",
    "creationDate",
    "locationIP",
    "browserUsed",
    "content",
    "length",
    "creator",
    "place",
    "replyOfPost",
    "replyOfComment",
];

/// A comment before it is known where its thread begins.
struct Loose {
    id: u64,
    author: UserId,
    content: String,
    created_at: Timestamp,
    answers: Answers,
    file: std::path::PathBuf,
    line: usize,
}

#[derive(Clone, Copy)]
enum Answers {
    Post(u64),
    Comment(u64),
}

impl Reader {
    /// Reads posts, comments and likes.
    pub(super) fn talk(&mut self) -> anyhow::Result<()> {
        let mut cut = 0;
        let posts = self.posts(&mut cut)?;
        let loose = self.comments(&mut cut)?;
        let comments = self.attach(&posts, &loose);
        self.skip(
            "ends of texts",
            cut,
            "texts were cut at 10,000 characters (posts) and 5,000 (comments)",
        );
        let of_post = |id: u64| posts.get(&id).copied().map(Target::from);
        self.likes("person_likes_post", "Post.id", of_post)?;
        let of_comment = |id: u64| comments.get(&id).copied().map(Target::from);
        self.likes("person_likes_comment", "Comment.id", of_comment)
    }

    fn posts(&mut self, cut: &mut u64) -> anyhow::Result<HashMap<u64, PostId>> {
        let file = Csv::open(&self.folder, "post")?;
        let mut posts = HashMap::new();
        let mut images = 0;
        for line in file.lines(POST, &mut self.problems) {
            let id = line.id(0, &mut self.problems);
            let created_at = line.time(2, &mut self.problems);
            let author = self.person(&line, 8);
            let (Some(id), Some(created_at), Some(author)) = (id, created_at, author) else {
                continue;
            };
            let mut content = line.text(6);
            if content.is_empty() {
                content = line.text(1);
                images += 1;
            }
            let content = self.content(&line, content, posts::Content::MAX, cut);
            let post = self.draw.id(Thing::Post, id, created_at);
            if posts.insert(id, post).is_some() {
                line.wrong(&mut self.problems, &format!("the id {id} came before"));
            }
            self.data
                .posts
                .push(Post::new(post, author, content, created_at));
        }
        self.skip(
            "images of posts",
            images,
            "kith has no media yet: the name of the image stands for it as the post's text",
        );
        Ok(posts)
    }

    fn comments(&mut self, cut: &mut u64) -> anyhow::Result<Vec<Loose>> {
        let file = Csv::open(&self.folder, "comment")?;
        let mut loose = Vec::new();
        for line in file.lines(COMMENT, &mut self.problems) {
            let id = line.id(0, &mut self.problems);
            let created_at = line.time(1, &mut self.problems);
            let author = self.person(&line, 6);
            let answers = if line.text(8).is_empty() {
                line.id(9, &mut self.problems).map(Answers::Comment)
            } else {
                line.id(8, &mut self.problems).map(Answers::Post)
            };
            let whole = (id, created_at, author, answers);
            let (Some(id), Some(created_at), Some(author), Some(answers)) = whole else {
                continue;
            };
            loose.push(Loose {
                id,
                author,
                content: self.content(&line, line.text(4), comments::Content::MAX, cut),
                created_at,
                answers,
                file: line.file.to_owned(),
                line: line.number,
            });
        }
        Ok(loose)
    }

    /// Checks a text as if somebody had written it here.
    fn content(&mut self, line: &Line<'_>, content: &str, most: usize, cut: &mut u64) -> String {
        let kept: String = content.chars().take(most).collect();
        if kept.len() < content.len() {
            *cut += 1;
        }
        if let Err(refusal) = text::check(&kept, 1, most, true) {
            line.wrong(&mut self.problems, &refusal.detail);
        }
        kept
    }

    /// Finds the post and the depth of every comment.
    fn attach(&mut self, posts: &HashMap<u64, PostId>, loose: &[Loose]) -> HashMap<u64, CommentId> {
        let by_id: HashMap<u64, &Loose> =
            loose.iter().map(|comment| (comment.id, comment)).collect();
        let id_of = |comment: &Loose| -> CommentId {
            self.draw.id(Thing::Comment, comment.id, comment.created_at)
        };
        let deepest = usize::try_from(comments::MAX_DEPTH).unwrap_or_default();
        let mut raised = 0;
        let mut ids = HashMap::new();
        for comment in loose {
            let id = id_of(comment);
            let repeated = ids.insert(comment.id, id).is_some();
            let Some((post, ancestors)) = thread(comment, posts, &by_id).filter(|_| !repeated)
            else {
                let what = if repeated {
                    "this id came before"
                } else {
                    "the answers do not lead to a post"
                };
                self.problems.add(&comment.file, comment.line, what);
                continue;
            };
            let depth = ancestors.len().min(deepest);
            raised += u64::from(ancestors.len() > deepest);
            // The comment at a depth of one less; usually the one that is answered.
            let parent = depth.checked_sub(1).and_then(|above| ancestors.get(above));
            self.data.comments.push(Comment {
                id,
                post,
                parent: parent.map(|parent| id_of(parent)),
                depth: i16::try_from(depth).unwrap_or_default(),
                author: comment.author,
                content: comment.content.clone(),
                created_at: comment.created_at,
                deleted_at: None,
            });
        }
        self.skip(
            "levels of replies",
            raised,
            "replies deeper than 8 hang beside those of depth 8",
        );
        ids
    }

    fn likes(
        &mut self,
        name: &str,
        column: &str,
        target: impl Fn(u64) -> Option<Target>,
    ) -> anyhow::Result<()> {
        let file = Csv::open(&self.folder, name)?;
        let columns = ["Person.id", column, "creationDate"];
        let (mut seen, mut repeated) = (HashSet::new(), 0);
        for line in file.lines(&columns, &mut self.problems) {
            let user = self.person(&line, 0);
            let id = line.id(1, &mut self.problems);
            let at = line.time(2, &mut self.problems);
            let (Some(user), Some(id), Some(at)) = (user, id, at) else {
                continue;
            };
            let Some(target) = target(id) else {
                line.wrong(
                    &mut self.problems,
                    &format!("there is nothing with the id {id}"),
                );
                continue;
            };
            if !seen.insert((user, target)) {
                repeated += 1;
                continue;
            }
            self.data.reactions.push(Reaction {
                target,
                user,
                kind: reactions::Kind::Like,
                at,
            });
        }
        self.skip(
            "likes",
            repeated,
            "the same person liked the same thing before",
        );
        Ok(())
    }
}

/// The post that a comment stands under and the comments between, from the post downwards. Nothing
/// when the answers lead nowhere or in a circle.
fn thread<'a>(
    comment: &Loose,
    posts: &HashMap<u64, PostId>,
    by_id: &HashMap<u64, &'a Loose>,
) -> Option<(PostId, Vec<&'a Loose>)> {
    let mut ancestors = Vec::new();
    let mut answers = comment.answers;
    while let Answers::Comment(parent) = answers {
        let parent = *by_id.get(&parent)?;
        ancestors.push(parent);
        // A circle would be walked for ever.
        if ancestors.len() > by_id.len() {
            return None;
        }
        answers = parent.answers;
    }
    ancestors.reverse();
    match answers {
        Answers::Post(post) => posts.get(&post).map(|post| (*post, ancestors)),
        Answers::Comment(_) => None,
    }
}
