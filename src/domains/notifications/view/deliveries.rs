//! What is on its way to devices and mailboxes, for administrators.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::notifications::model::{Channel, DeliveryState, Lane};
use crate::domains::notifications::store::{self, DeadRow, DeliveryCount};
use crate::infra::db::Conn;
use crate::kernel::{NotificationId, Result, Timestamp, UserId};

/// Dead deliveries that are shown.
const DEAD: i64 = 100;

/// The queue of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deliveries {
    /// How many are in which state, by lane and channel.
    pub queue: Vec<DeliveryFigures>,
    /// The last hundred that were given up.
    pub dead: Vec<DeadDelivery>,
}

/// How many deliveries are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryFigures {
    /// `high` or `normal`.
    #[schema(value_type = String)]
    pub lane: Lane,
    /// `email` or `push`.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// `waiting`, `sent`, `cancelled` or `dead`.
    #[schema(value_type = String)]
    pub state: DeliveryState,
    /// How many.
    pub count: i64,
    /// When the first of those that wait is due.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub first_due_at: Option<Timestamp>,
}

/// A delivery that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadDelivery {
    /// The notification.
    pub notification_id: NotificationId,
    /// Whose it is.
    pub user_id: UserId,
    /// `email` or `push`.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// `high` or `normal`.
    #[schema(value_type = String)]
    pub lane: Lane,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    #[schema(required)]
    pub last_error: Option<String>,
    /// When it was given up.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub given_up_at: Option<Timestamp>,
}

/// What came of trying again.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevivedDeliveries {
    /// How many deliveries wait again.
    pub revived: u64,
}

/// The whole queue.
pub async fn deliveries(conn: &mut Conn) -> Result<Deliveries> {
    let figures = |row: DeliveryCount| DeliveryFigures {
        lane: row.lane,
        channel: row.channel,
        state: row.state,
        count: row.count,
        first_due_at: row.first_due_at,
    };
    let dead = |row: DeadRow| DeadDelivery {
        notification_id: row.notification_id,
        user_id: row.user_id,
        channel: row.channel,
        lane: row.lane,
        attempts: row.attempts,
        last_error: row.last_error,
        given_up_at: row.settled_at,
    };
    let counts = store::count_deliveries(conn).await?;
    let given_up = store::list_dead(conn, DEAD).await?;
    Ok(Deliveries {
        queue: counts.into_iter().map(figures).collect(),
        dead: given_up.into_iter().map(dead).collect(),
    })
}
