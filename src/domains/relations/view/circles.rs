//! Circles, which only their owner sees.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::model::MAX_MEMBERS_SHOWN;
use super::super::store::{self, CircleRow};
use super::lists::people_in_order;
use crate::domains::users::Person;
use crate::infra::db::Conn;
use crate::kernel::{CircleId, Error, Result, Timestamp, UserId};

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

impl From<CircleRow> for Circle {
    fn from(row: CircleRow) -> Self {
        Self {
            id: row.circle_id,
            name: row.name,
            member_count: row.member_count,
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
    conn: &mut Conn,
    owner_id: UserId,
    circle_id: CircleId,
) -> Result<CircleWithMembers> {
    let row = store::find_circle(conn, owner_id, circle_id).await?;
    let circle = Circle::from(row.ok_or_else(Error::not_found)?);
    let ids = store::list_members(conn, owner_id, circle_id, MAX_MEMBERS_SHOWN).await?;
    let members = people_in_order(conn, &ids).await?;
    Ok(CircleWithMembers { circle, members })
}

/// Circles without their members, in their order.
pub fn circles(rows: &[CircleRow]) -> Vec<Circle> {
    rows.iter().cloned().map(Circle::from).collect()
}
