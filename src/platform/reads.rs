//! Where a view reads from: the cache, or the open transaction of a write.
//!
//! One function renders both the answer of a read and the answer of a write. The second must see
//! what its transaction has just changed and nobody else can see yet, so it reads from Postgres, on
//! that connection, by the very loaders that fill the cache.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use super::Ctx;
use crate::infra::cache::{Key, Space, Value};
use crate::infra::db::Conn;
use crate::kernel::{Error, Result};

/// What a view reads from.
pub enum Reads<'a> {
    /// The cache, and Postgres behind it.
    Cached(&'a Ctx),
    /// An open transaction.
    Within(&'a mut Conn),
}

impl<'a> Reads<'a> {
    /// Reads from the cache.
    pub fn cached(ctx: &'a Ctx) -> Self {
        Self::Cached(ctx)
    }

    /// The value under `key`, if there is one.
    pub async fn get<K: Key, V: Value>(
        &mut self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Result<Option<Arc<V>>> {
        match self {
            Self::Cached(ctx) => ctx.cache().get(space, key).await,
            Self::Within(_) => Ok(self
                .get_many(space, std::slice::from_ref(key))
                .await?
                .remove(key)),
        }
    }

    /// The value under `key`, where there always is one; its absence is `not_found`.
    pub async fn load<K: Key, V: Value>(
        &mut self,
        space: &'static Space<K, V>,
        key: &K,
    ) -> Result<Arc<V>> {
        self.get(space, key).await?.ok_or_else(Error::not_found)
    }

    /// The values under `keys`, without those that have none.
    pub async fn get_many<K: Key, V: Value>(
        &mut self,
        space: &'static Space<K, V>,
        keys: &[K],
    ) -> Result<HashMap<K, Arc<V>>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        match self {
            Self::Cached(ctx) => ctx.cache().get_many(space, keys).await,
            Self::Within(conn) => {
                let loaded = (space.load)(conn, keys).await?.into_iter();
                Ok(loaded.map(|(key, value)| (key, Arc::new(value))).collect())
            }
        }
    }

    /// A connection, for what no space holds.
    pub async fn conn(&mut self) -> Result<Held<'_>> {
        Ok(match self {
            Self::Cached(ctx) => Held::Own(ctx.conn().await?),
            Self::Within(conn) => Held::Lent(conn),
        })
    }

    /// The same source, for another function.
    pub fn reborrow(&mut self) -> Reads<'_> {
        match self {
            Self::Cached(ctx) => Reads::Cached(ctx),
            Self::Within(conn) => Reads::Within(conn),
        }
    }
}

/// A connection to read with.
pub enum Held<'a> {
    /// Of the pool.
    Own(PoolConnection<Postgres>),
    /// Of the open transaction.
    Lent(&'a mut Conn),
}

impl Deref for Held<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        match self {
            Self::Own(conn) => conn,
            Self::Lent(conn) => conn,
        }
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        match self {
            Self::Own(conn) => conn,
            Self::Lent(conn) => conn,
        }
    }
}
