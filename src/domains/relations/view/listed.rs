//! People in lists, with what lies between them and the viewer where that is asked for.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::relationship::{Relationship, relationships};
use crate::domains::users::Person;
use crate::kernel::page::Page;
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::words;

words! {
    /// What people in a list can be shown with.
    pub enum PersonExpansion {
        /// What lies between the viewer and the person.
        Relationship = "relationship",
    }
}

/// Somebody in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListedPerson {
    /// Who it is.
    #[serde(flatten)]
    pub person: Person,
    /// What lies between the viewer and the person, with `?expand=relationship`; of oneself there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Relationship>,
}

/// A page of people with what is wanted beside them, by one look for all of them.
pub async fn listed<K>(
    reads: &mut Reads<'_>,
    viewer: UserId,
    page: Page<K, Person>,
    wanted: Option<PersonExpansion>,
    now: Timestamp,
) -> Result<Page<K, ListedPerson>> {
    let mut between: HashMap<UserId, Relationship> = HashMap::new();
    if wanted.is_some() {
        let ids: Vec<UserId> = page.items.iter().map(|person| person.id).collect();
        let found = relationships(reads, viewer, &ids, now).await?;
        between.extend(found.into_iter().map(|one| (one.user_id, one)));
    }
    let people = page.items.iter().map(|person| ListedPerson {
        viewer: between.remove(&person.id),
        person: person.clone(),
    });
    let people = people.collect();
    Ok(page.with_items(people))
}
