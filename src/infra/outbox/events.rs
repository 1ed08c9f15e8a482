//! Declares what a domain tells.

/// Declares events with the names that stand in the table, and the function that makes them known:
/// `events! { /// doc PostCreated(PostRef) = "post.created", }`. An event may also have members of its
/// own, in braces.
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident $says:tt = $word:literal,)+) => {
        $(
            $crate::infra::outbox::events!(@declare [$(#[$doc])*] $name $says);

            impl $crate::infra::outbox::Event for $name {
                const NAME: &'static str = $word;
            }
        )+

        /// Makes the events of this domain known.
        pub fn events<C>(
            registry: $crate::infra::jobs::Registry<C>,
        ) -> $crate::infra::jobs::Registry<C> {
            registry$(.knows::<$name>())+
        }
    };
    (@declare [$($doc:tt)*] $name:ident ($about:ty)) => {
        $($doc)*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub $about);
    };
    (@declare [$($doc:tt)*] $name:ident $members:tt) => {
        $($doc)*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name $members
    };
}

pub(crate) use events;
