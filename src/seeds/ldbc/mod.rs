//! The LDBC social network (interactive workload, version 1): people, friendships, posts, comments
//! and likes with their own texts and times. What kith has no place for is counted and told.

mod read;
mod talk;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::dataset::{Account, Dataset, Link, Settings, State};
use super::draw::{Draw, Thing};
use super::problems::Problems;
use super::report::Skipped;
use crate::kernel::UserId;
use crate::kernel::text;
use crate::platform::sessions::Role;
use read::{Csv, Line};

const PERSON: &[&str] = &[
    "id",
    "firstName",
    "lastName",
    "gender",
    "birthday",
    "creationDate",
    "locationIP",
    "browserUsed",
    "place",
];

/// What the source has beside: folder, file, what it is, why it is left out.
const REST: &[(&str, &str, &str, &str)] = &[
    (
        "dynamic",
        "forum",
        "forums",
        "kith has no forums: posts stand by themselves",
    ),
    (
        "dynamic",
        "forum_hasMember_person",
        "forum members",
        "kith has no forums",
    ),
    (
        "dynamic",
        "forum_hasTag_tag",
        "tags of forums",
        "kith has no forums",
    ),
    (
        "dynamic",
        "post_hasTag_tag",
        "tags of posts",
        "tags stand in the text of a post, and these do not",
    ),
    (
        "dynamic",
        "comment_hasTag_tag",
        "tags of comments",
        "comments have no tags",
    ),
    (
        "dynamic",
        "person_hasInterest_tag",
        "interests",
        "people have no interests in kith",
    ),
    (
        "dynamic",
        "person_speaks_language",
        "languages",
        "a person has one language, a setting of their own",
    ),
    (
        "dynamic",
        "person_studyAt_organisation",
        "studies",
        "kith has no organisations",
    ),
    (
        "dynamic",
        "person_workAt_organisation",
        "jobs",
        "kith has no organisations",
    ),
    (
        "static",
        "organisation",
        "organisations",
        "kith has no organisations",
    ),
    ("static", "place", "places", "a place is free text in kith"),
    ("static", "tag", "tags", "tags stand in texts"),
    (
        "static",
        "tagclass",
        "classes of tags",
        "tags stand in texts",
    ),
];

/// Reads a folder and makes a data set of it.
pub fn build(folder: &Path, seed: u64) -> anyhow::Result<(Dataset, Vec<Skipped>)> {
    let dynamic = dynamic(folder);
    let persons = Csv::open(&dynamic, "person")?;
    // The people are part of the source, so that two data sets never share an id.
    let draw = Draw::new(seed, &[b"ldbc ", persons.bytes().as_slice()].concat());
    let mut reader = Reader {
        folder: dynamic,
        draw,
        data: Dataset::default(),
        people: HashMap::new(),
        problems: Problems::default(),
        skipped: Vec::new(),
    };
    reader.people(&persons)?;
    reader.friendships()?;
    reader.talk()?;
    reader.problems.finish()?;
    let mut skipped = reader.skipped;
    for (part, file, what, reason) in REST {
        skipped.push(Skipped {
            what,
            count: read::count(&folder.join(part), file)?,
            reason,
        });
    }
    skipped.push(Skipped {
        what: "updates",
        count: read::count_stream(&folder.join("update_streams"))?,
        reason: "they come after the data, to be replayed by a benchmark",
    });
    skipped.retain(|skipped| skipped.count > 0);
    Ok((reader.data, skipped))
}

/// The folder of people and what they write; it may be given itself.
fn dynamic(folder: &Path) -> PathBuf {
    let inner = folder.join("dynamic");
    if inner.is_dir() {
        inner
    } else {
        folder.to_owned()
    }
}

/// What was read so far.
struct Reader {
    folder: PathBuf,
    draw: Draw,
    data: Dataset,
    people: HashMap<u64, UserId>,
    problems: Problems,
    skipped: Vec<Skipped>,
}

impl Reader {
    fn people(&mut self, persons: &Csv) -> anyhow::Result<()> {
        let emails = self.emails()?;
        for line in persons.lines(PERSON, &mut self.problems) {
            let id = line.id(0, &mut self.problems);
            let created_at = line.time(5, &mut self.problems);
            let (Some(id), Some(created_at)) = (id, created_at) else {
                continue;
            };
            let name = format!("{} {}", line.text(1), line.text(2));
            let display_name: String = name.trim().chars().take(80).collect();
            if let Err(refusal) = text::check(&display_name, 1, 80, false) {
                line.wrong(&mut self.problems, &refusal.detail);
            }
            let user = self.draw.id(Thing::Person, id, created_at);
            if self.people.insert(id, user).is_some() {
                line.wrong(&mut self.problems, &format!("the id {id} came before"));
                continue;
            }
            let unknown = || format!("p{id}@ldbc.kith.example");
            self.data.accounts.push(Account {
                id: user,
                username: username(&display_name, id),
                display_name,
                bio: String::new(),
                location: String::new(),
                website: None,
                email: emails.get(&id).cloned().unwrap_or_else(unknown),
                role: Role::User,
                state: State::Active,
                settings: Settings::default(),
                created_at,
            });
        }
        Ok(())
    }

    /// The first address of each person.
    fn emails(&mut self) -> anyhow::Result<HashMap<u64, String>> {
        let file = Csv::open(&self.folder, "person_email_emailaddress")?;
        let mut emails = HashMap::new();
        let mut more = 0;
        for line in file.lines(&["Person.id", "email"], &mut self.problems) {
            let Some(person) = line.id(0, &mut self.problems) else {
                continue;
            };
            match emails.entry(person) {
                Entry::Vacant(first) => {
                    first.insert(line.text(1).to_owned());
                }
                Entry::Occupied(_) => more += 1,
            }
        }
        self.skip("further e-mail addresses", more, "a person has one address");
        Ok(emails)
    }

    fn friendships(&mut self) -> anyhow::Result<()> {
        let file = Csv::open(&self.folder, "person_knows_person")?;
        let columns = ["Person.id", "Person.id", "creationDate"];
        let (mut seen, mut repeated, mut loops) = (HashSet::new(), 0, 0);
        for line in file.lines(&columns, &mut self.problems) {
            let (from, to) = (self.person(&line, 0), self.person(&line, 1));
            let at = line.time(2, &mut self.problems);
            let (Some(from), Some(to), Some(at)) = (from, to, at) else {
                continue;
            };
            if from == to {
                loops += 1;
            } else if seen.insert((from.min(to), from.max(to))) {
                self.data.friendships.push(Link { from, to, at });
            } else {
                repeated += 1;
            }
        }
        self.skip("friendships", loops, "nobody is their own friend");
        self.skip("friendships", repeated, "the same two people came before");
        Ok(())
    }

    /// The person whose id stands in a column.
    fn person(&mut self, line: &Line<'_>, column: usize) -> Option<UserId> {
        let id = line.id(column, &mut self.problems)?;
        let found = self.people.get(&id).copied();
        if found.is_none() {
            line.wrong(&mut self.problems, &format!("there is no person {id}"));
        }
        found
    }

    fn skip(&mut self, what: &'static str, count: u64, reason: &'static str) {
        self.skipped.push(Skipped {
            what,
            count,
            reason,
        });
    }
}

/// The letters of a name that a username may have, and the person's id, which no two people share.
fn username(name: &str, id: u64) -> String {
    let number = id.to_string();
    let words = name.to_ascii_lowercase().replace(' ', ".");
    let letters: String = words
        .chars()
        .filter(|c| c.is_ascii_lowercase() || *c == '.')
        .take(29 - number.len())
        .collect();
    format!("{letters}.{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::users::Username;

    #[test]
    fn a_username_is_valid_whatever_the_name() {
        for name in ["Jose Alonso", "Adje van den Berg Vries", "李 明", ""] {
            for id in [10, u64::MAX] {
                let username = username(name, id);
                assert!(Username::parse(&username).is_ok(), "{username}");
            }
        }
    }
}
