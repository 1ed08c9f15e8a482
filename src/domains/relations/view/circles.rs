//! Circles, which only their owner sees.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::super::cache::{CIRCLE_MEMBERS, CIRCLES};
use super::super::model::MAX_MEMBERS_SHOWN;
use super::super::store::{self, CircleRow};
use super::sight::visible_among;
use crate::domains::users::{self, Person};
use crate::kernel::ids::Id;
use crate::kernel::page::{NameKey, Page, Slice, TimeKey};
use crate::kernel::{CircleId, Error, Result, Timestamp, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// A private list of friends.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Circle {
    /// Its id.
    pub id: CircleId,
    /// What its owner calls it.
    pub name: String,
    /// How many members it has.
    pub member_count: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its name or its members changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Counts edits of the name.
    #[serde(skip)]
    pub version: i64,
}

impl Circle {
    fn new(row: &CircleRow, member_count: usize) -> Self {
        Self {
            id: row.circle_id,
            name: row.name.clone(),
            member_count: i64::try_from(member_count).unwrap_or(i64::MAX),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// A circle with those who are in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CircleWithMembers {
    /// The circle.
    #[serde(flatten)]
    pub circle: Circle,
    /// The first 100 members by name.
    pub members: Vec<Person>,
}

/// A circle of `owner_id`.
pub async fn circle(
    reads: &mut Reads<'_>,
    owner_id: UserId,
    circle_id: CircleId,
) -> Result<CircleWithMembers> {
    let rows = reads.load(&CIRCLES, &owner_id).await?;
    let row = rows.iter().find(|row| row.circle_id == circle_id);
    let row = row.ok_or_else(Error::not_found)?;
    let members = reads.load(&CIRCLE_MEMBERS, &circle_id).await?;
    let seen = visible_among(reads, Viewer::from(owner_id), &members).await?;
    let circle = Circle::new(row, seen.len());
    let mut members = users::people_in_order(reads, &seen).await?;
    members.sort_by_cached_key(|person| (folded(&person.display_name), person.id));
    members.truncate(MAX_MEMBERS_SHOWN);
    Ok(CircleWithMembers { circle, members })
}

/// A page of those who are in a circle of `owner_id`, by name.
pub async fn circle_members(
    reads: &mut Reads<'_>,
    owner_id: UserId,
    circle_id: CircleId,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, Person>> {
    let rows = reads.load(&CIRCLES, &owner_id).await?;
    if !rows.iter().any(|row| row.circle_id == circle_id) {
        return Err(Error::not_found());
    }
    let page =
        store::list_members_by_name(&mut *reads.conn().await?, owner_id, circle_id, slice).await?;
    users::people_page(reads, page).await
}

/// In lower case letter by letter, as lists of people are ordered.
fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// A page of somebody's circles without their members, newest first.
pub async fn circles(
    reads: &mut Reads<'_>,
    owner_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Circle>> {
    let rows = reads.load(&CIRCLES, &owner_id).await?;
    let key = |row: &CircleRow| TimeKey(row.created_at, row.circle_id.uuid());
    let page = slice.page_of_whole(rows.iter().map(|row| (key(row), row)).collect());
    let ids: Vec<CircleId> = page.items.iter().map(|row| row.circle_id).collect();
    let members = reads.get_many(&CIRCLE_MEMBERS, &ids).await?;
    let everybody = distinct(members.values().flat_map(|ids| ids.iter()).copied());
    let seen = visible_among(reads, Viewer::from(owner_id), &everybody).await?;
    let seen: HashSet<UserId> = seen.into_iter().collect();
    let count = |circle_id| {
        let ids = members
            .get(circle_id)
            .into_iter()
            .flat_map(|ids| ids.iter());
        ids.filter(|id| seen.contains(*id)).count()
    };
    let shown = page
        .items
        .iter()
        .map(|row| Circle::new(row, count(&row.circle_id)));
    let shown = shown.collect();
    Ok(page.with_items(shown))
}
