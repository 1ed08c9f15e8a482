//! Mentions, hashtags and links in a text, with offsets in code points.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::users;

/// Most characters of a hashtag; what is longer is plain text.
const MAX_TAG: usize = 100;
/// Most characters of a link that is recognised.
const MAX_URL: usize = 2_000;
/// Most characters of punctuation after a link. What is longer with it is looked at no further, so that
/// no text is looked through again and again.
const MAX_TRAIL: usize = 50;
/// Most people whom one text calls.
const MOST_MENTIONS: usize = 20;

/// A stretch of a text with a meaning. Offsets count code points; `end` is the first one after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entity {
    /// Somebody is called by `@name`, whether there is somebody of that name or not.
    Mention {
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// The name in lower case, without the `@`.
        username: String,
    },
    /// A hashtag, with its `#`.
    Hashtag {
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// The word in lower case, without the `#`.
        tag: String,
    },
    /// A link to the web.
    Link {
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// Its address.
        url: String,
    },
}

impl Entity {
    /// Where it ends.
    fn end(&self) -> usize {
        match self {
            Self::Mention { end, .. } | Self::Hashtag { end, .. } | Self::Link { end, .. } => *end,
        }
    }
}

/// The mentions, hashtags and links of a text, in order; none overlaps another.
pub fn entities(text: &str) -> Vec<Entity> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let before = at
            .checked_sub(1)
            .and_then(|index| chars.get(index))
            .copied();
        let entity = hashtag(before, rest, at, MAX_TAG)
            .or_else(|| link(before, rest, at))
            .or_else(|| mention(before, rest, at));
        at = entity.as_ref().map_or(at + 1, Entity::end);
        found.extend(entity);
    }
    found
}

/// The hashtags of a text, each once, in order of their first use.
pub fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for entity in entities(text) {
        if let Entity::Hashtag { tag, .. } = entity
            && seen.insert(tag.clone())
        {
            tags.push(tag);
        }
    }
    tags
}

/// The usernames that a text calls, each once, in order of their first use.
pub fn mentioned_names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entity in entities(text) {
        if let Entity::Mention { username, .. } = entity
            && names.len() < MOST_MENTIONS
            && !names.contains(&username)
        {
            names.push(username);
        }
    }
    names
}

/// A hashtag as it is stored, from how a client writes it: with or without the `#`, in any case.
/// What no text could hold as a hashtag is none.
pub fn normal_tag(written: &str) -> Option<String> {
    let word = written.strip_prefix('#').unwrap_or(written);
    let chars: Vec<char> = format!("#{word}").chars().collect();
    // Lower case can be longer than what was written, by one mark a letter.
    let whole = hashtag(None, &chars, 0, 2 * MAX_TAG).filter(|found| found.end() == chars.len())?;
    match whole {
        Entity::Hashtag { tag, .. } => Some(tag),
        Entity::Link { .. } | Entity::Mention { .. } => None,
    }
}

fn mention(before: Option<char>, rest: &[char], start: usize) -> Option<Entity> {
    let username = users::mention(before, rest)?;
    Some(Entity::Mention {
        start,
        // A name is ASCII.
        end: start + 1 + username.len(),
        username,
    })
}

fn hashtag(before: Option<char>, rest: &[char], start: usize, longest: usize) -> Option<Entity> {
    // `a#b`, `&#39;`, `##` and `/#part` are no hashtags.
    let inside = before.is_some_and(|c| is_word(c) || matches!(c, '&' | '#' | '/'));
    let (first, rest) = rest.split_first()?;
    if *first != '#' || inside {
        return None;
    }
    let word: Vec<char> = rest.iter().copied().take_while(|c| is_word(*c)).collect();
    let says_something = word.iter().any(|c| c.is_alphabetic());
    if !says_something || word.len() > longest {
        return None;
    }
    Some(Entity::Hashtag {
        start,
        end: start + 1 + word.len(),
        tag: word.into_iter().collect::<String>().to_lowercase(),
    })
}

/// Letters, digits, `_`, and the marks without which words of many scripts fall apart.
fn is_word(c: char) -> bool {
    c.is_alphanumeric()
        || c == '_'
        || matches!(
            c,
            '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
                | '\u{93c}' | '\u{94d}' | '\u{9bc}' | '\u{9cd}' | '\u{a3c}' | '\u{a4d}'
                | '\u{abc}' | '\u{acd}' | '\u{b3c}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}'
                | '\u{ccd}' | '\u{d4d}' | '\u{dca}' | '\u{e47}'..='\u{e4e}'
                | '\u{ec8}'..='\u{ece}' | '\u{1039}' | '\u{103a}' | '\u{17d2}'
                | '\u{200c}' | '\u{200d}'
        )
}

fn link(before: Option<char>, rest: &[char], start: usize) -> Option<Entity> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| begins_with(rest, scheme))?;
    if before.is_some_and(is_word) {
        return None;
    }
    let run = rest.iter().take_while(|c| is_in_url(**c));
    let run = run.take(MAX_URL + MAX_TRAIL + 1).count();
    let url = trim_end(rest.get(..run)?);
    let host = url.get(scheme.len()).copied();
    let is_too_long = url.len() > MAX_URL || run > MAX_URL + MAX_TRAIL;
    if !host.is_some_and(|c| c.is_alphanumeric() || c == '[') || is_too_long {
        return None;
    }
    Some(Entity::Link {
        start,
        end: start + url.len(),
        url: url.iter().collect(),
    })
}

fn begins_with(chars: &[char], prefix: &str) -> bool {
    let mut chars = chars.iter();
    prefix.chars().all(|wanted| {
        chars
            .next()
            .is_some_and(|c| c.eq_ignore_ascii_case(&wanted))
    })
}

fn is_in_url(c: char) -> bool {
    !(c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^' | '\u{200b}'
        ))
}

/// Without the punctuation that belongs to the sentence around. A closing bracket stays when it
/// was opened within the link.
fn trim_end(mut url: &[char]) -> &[char] {
    let count = |wanted: char| url.iter().filter(|c| **c == wanted).count();
    let (round, square) = (count('('), count('['));
    let (mut rounded, mut squared) = (count(')'), count(']'));
    while let Some((last, shorter)) = url.split_last() {
        let outside = match last {
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '…' | '。' | '，' | '»' | '”'
            | '’' => true,
            ')' => rounded > round,
            ']' => squared > square,
            _ => false,
        };
        if !outside {
            break;
        }
        rounded -= usize::from(*last == ')');
        squared -= usize::from(*last == ']');
        url = shorter;
    }
    url
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<(usize, usize, String)> {
        let plain = |entity| match entity {
            Entity::Mention {
                start,
                end,
                username,
            } => (start, end, format!("@{username}")),
            Entity::Hashtag { start, end, tag } => (start, end, format!("#{tag}")),
            Entity::Link { start, end, url } => (start, end, url),
        };
        entities(text).into_iter().map(plain).collect()
    }

    fn words(text: &str) -> Vec<String> {
        shown(text).into_iter().map(|(_, _, word)| word).collect()
    }

    #[test]
    fn offsets_count_code_points() {
        assert_eq!(
            shown("🙂é #Ahoj, see https://example.org/č."),
            [
                (3, 8, "#ahoj".to_owned()),
                (14, 35, "https://example.org/č".to_owned())
            ]
        );
    }

    #[test]
    fn hashtags_are_words_of_any_script() {
        let text = "#a_1 #日本 #हिन्दी #ČAJ (#in) #1st";
        assert_eq!(
            words(text),
            ["#a_1", "#日本", "#हिन्दी", "#čaj", "#in", "#1st"]
        );
        for none in [
            "#",
            "#1",
            "# a",
            "a#b",
            "##a",
            "&#39;",
            "#-",
            &format!("#{}", "x".repeat(101)),
        ] {
            assert!(entities(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn mentions_are_names_and_no_addresses() {
        let text = "🙂 @Alice, ask @bob_1. (@carol.d) or #tea@dave, https://e.example/?@eve";
        let link = "https://e.example/?@eve";
        assert_eq!(words(text), ["@alice", "@bob_1", "@carol.d", "#tea", link]);
        assert_eq!(
            shown("é @Alice.").first(),
            Some(&(2, 8, "@alice".to_owned()))
        );
        for none in ["@", "@ab", "a@example.org", "@@name", "/@name", "@é"] {
            assert!(entities(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_link_has_2000_characters_at_most_and_little_after_it() {
        let of = |length: usize| format!("https://{}", "x".repeat(length - 8));
        for (text, is_link) in [
            (of(2_000), true),
            (of(2_001), false),
            (of(2_000) + &".".repeat(50), true),
            (of(1_000) + &"(".repeat(500) + &")".repeat(500), true),
            (of(1_000) + &".".repeat(2_000), false),
        ] {
            assert_eq!(
                entities(&text).len(),
                usize::from(is_link),
                "{}",
                text.len()
            );
        }
    }

    #[test]
    fn a_text_calls_each_once_and_nobody_in_a_link() {
        let text = "@Alice, see (@bob_1). @carol.d... @alice again, a@example.org @@dave @no/x @ab";
        assert_eq!(mentioned_names(text), ["alice", "bob_1", "carol.d"]);
        assert!(mentioned_names("https://e.example/?@eve").is_empty());
        let many: Vec<String> = (100..200).map(|n| format!("@name{n}")).collect();
        assert_eq!(mentioned_names(&many.join(" ")).len(), MOST_MENTIONS);
    }

    #[test]
    fn a_tag_is_one_however_it_is_written() {
        assert_eq!(hashtags("#b #A #a #B #\u{130}"), ["b", "a", "i\u{307}"]);
        for (written, stored) in [
            ("Tea", "tea"),
            ("#TEA", "tea"),
            ("\u{130}", "i\u{307}"),
            ("i\u{307}", "i\u{307}"),
        ] {
            assert_eq!(normal_tag(written).as_deref(), Some(stored), "{written}");
        }
        for none in ["", "#", "##a", "1", "a b", "a-b", "a#b", &"x".repeat(201)] {
            assert_eq!(normal_tag(none), None, "{none}");
        }
    }

    #[test]
    fn links_end_before_the_punctuation_around_them() {
        let text = "(http://a.example/b_(c)) HTTPS://B.example/?q=1#part! <https://c.example>";
        assert_eq!(
            words(text),
            [
                "http://a.example/b_(c)",
                "HTTPS://B.example/?q=1#part",
                "https://c.example"
            ]
        );
        for none in [
            "http://",
            "https:///x",
            "ftp://a.example",
            "xhttp://a.example",
            "javascript://a",
        ] {
            assert!(entities(none).is_empty(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn entities_lie_in_order_within_any_text(
            text in "(#|@|https?://|[a-zé🙂ß .,)\\]_]|\\PC){0,60}"
        ) {
            let chars: Vec<char> = text.chars().collect();
            let mut free = 0;
            for entity in entities(&text) {
                let (start, end, said) = match &entity {
                    Entity::Mention { start, end, username } => {
                        (*start, *end, format!("@{username}"))
                    }
                    Entity::Hashtag { start, end, tag } => (*start, *end, format!("#{tag}")),
                    Entity::Link { start, end, url } => (*start, *end, url.clone()),
                };
                prop_assert!(free <= start && start < end && end <= chars.len());
                free = end;
                let covered: String = chars[start..end].iter().collect();
                match entity {
                    Entity::Mention { .. } | Entity::Hashtag { .. } => {
                        prop_assert_eq!(covered.to_lowercase(), said);
                    }
                    Entity::Link { .. } => prop_assert_eq!(covered, said),
                }
            }
        }
    }
}
