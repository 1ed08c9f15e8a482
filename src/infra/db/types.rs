//! How the kernel's types travel to and from Postgres. The kernel itself knows no SQL.

use chrono::{DateTime, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};
use uuid::Uuid;

use crate::kernel::ids::Id;
use crate::kernel::{
    CircleId, CommentId, ConversationId, FriendRequestId, JobId, MessageId, NotificationId, PostId,
    SecurityEventId, SessionId, Timestamp, UserId,
};

macro_rules! travels_as {
    ($inner:ty: $($name:ty),+; $into:expr, $from:expr) => {$(
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <$inner as Type<Postgres>>::type_info()
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                <$inner as PgHasArrayType>::array_type_info()
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let inner: $inner = $into(*self);
                <$inner as Encode<'_, Postgres>>::encode_by_ref(&inner, buffer)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                <$inner as Decode<'r, Postgres>>::decode(value).map($from)
            }
        }
    )+};
}

travels_as!(
    Uuid: UserId, SessionId, SecurityEventId, FriendRequestId, CircleId, PostId, CommentId,
    ConversationId, MessageId, JobId, NotificationId;
    Id::uuid, Id::from_uuid
);
travels_as!(DateTime<Utc>: Timestamp; Timestamp::utc, Timestamp::new);
