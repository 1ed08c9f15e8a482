//! One keyset page of a list, in either direction, as statements that sqlx checks.

/// Reads the rows of a [`Slice`](crate::kernel::page::Slice), in the order of the walk.
///
/// `keyset!(conn, slice, newest "t.created_at", "t.id", Row, "select ... where ...", args...)`
///
/// The SQL ends inside its `where` clause; the macro adds the bound on the two key columns, the
/// order and the limit. `$1`, `$2` and `$3` belong to it; the arguments begin at `$4`. `newest`
/// lists the greatest key first, `oldest` the smallest. Row comparison and order are over plain
/// columns, so an index on the two serves every page alike.
#[macro_export]
macro_rules! keyset {
    ($conn:expr, $slice:expr, newest $first:tt, $second:tt, $row:ty, $sql:tt $(, $arg:expr)* $(,)?) => {
        $crate::keyset!(@run $conn, $slice, false, $first, $second, $row, $sql $(, $arg)*)
    };
    ($conn:expr, $slice:expr, oldest $first:tt, $second:tt, $row:ty, $sql:tt $(, $arg:expr)* $(,)?) => {
        $crate::keyset!(@run $conn, $slice, true, $first, $second, $row, $sql $(, $arg)*)
    };
    (@run $conn:expr, $slice:expr, $ascending:literal, $first:tt, $second:tt, $row:ty, $sql:tt $(, $arg:expr)*) => {{
        let forward = $slice.direction == $crate::kernel::page::Direction::Next;
        let ascending = forward == $ascending;
        let bound = $slice.bound(ascending);
        if ascending {
            sqlx::query_as!(
                $row,
                $sql + " and (" + $first + ", " + $second + ") > ($1, $2) order by " + $first
                    + ", " + $second + " limit $3",
                bound.0 as _, bound.1 as _, $slice.fetch() $(, $arg)*
            )
            .fetch_all(&mut *$conn)
            .await
        } else {
            sqlx::query_as!(
                $row,
                $sql + " and (" + $first + ", " + $second + ") < ($1, $2) order by " + $first
                    + " desc, " + $second + " desc limit $3",
                bound.0 as _, bound.1 as _, $slice.fetch() $(, $arg)*
            )
            .fetch_all(&mut *$conn)
            .await
        }
    }};
}
