//! What others see of a person.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{Object, Type};

use super::cache::{ME, SETTINGS, USER, USER_COUNTS, USERNAME};
use super::model::{
    Digest, FriendListAudience, MessagePolicy, RequestPolicy, SimpleAudience, may_be_username,
};
use super::store::{AccountRow, NamedRow, SettingsRow, UserCounts};
use crate::kernel::page::Page;
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::http::UserRef;
use crate::platform::sessions::{AccountState, Permission, Role};

/// A person inside other objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their name in addresses.
    pub username: String,
    /// The name that people read.
    pub display_name: String,
    /// Address of their picture.
    #[schema(required)]
    pub avatar_url: Option<String>,
    /// Whether the account is deleted; names are gone then.
    pub deleted: bool,
}

impl From<&AccountRow> for Person {
    fn from(row: &AccountRow) -> Self {
        let deleted = row.state == AccountState::Deleted;
        let shown = |name: &str, instead: &str| if deleted { instead } else { name }.to_owned();
        Self {
            id: row.user_id,
            username: shown(&row.username, "deleted"),
            display_name: shown(&row.display_name, "Deleted account"),
            avatar_url: None,
            deleted,
        }
    }
}

/// People by id, whatever their state: whoever shows an object has decided that it may be seen.
pub async fn people(reads: &mut Reads<'_>, ids: &[UserId]) -> Result<HashMap<UserId, Person>> {
    let rows = reads.get_many(&USER, ids).await?;
    let people = rows.into_iter();
    Ok(people
        .map(|(user_id, row)| (user_id, Person::from(&*row)))
        .collect())
}

/// People in the order of `ids`; whoever lists the ids has decided that they may be seen.
pub async fn people_in_order(reads: &mut Reads<'_>, ids: &[UserId]) -> Result<Vec<Person>> {
    let people = people(reads, ids).await?;
    Ok(ids
        .iter()
        .filter_map(|id| people.get(id).cloned())
        .collect())
}

/// A page of people for a page of their ids.
pub async fn people_page<K>(
    reads: &mut Reads<'_>,
    page: Page<K, UserId>,
) -> Result<Page<K, Person>> {
    let people = people_in_order(reads, &page.items).await?;
    Ok(page.with_items(people))
}

/// One person.
pub async fn person(reads: &mut Reads<'_>, user_id: UserId) -> Result<Person> {
    people(reads, &[user_id])
        .await?
        .remove(&user_id)
        .ok_or_else(Error::not_found)
}

/// Numbers of a person; `null` where they are hidden from the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Friends.
    #[schema(required)]
    pub friends: Option<i64>,
    /// People who follow them.
    #[schema(required)]
    pub followers: Option<i64>,
    /// Posts that the viewer may see.
    #[schema(required)]
    pub posts: Option<i64>,
}

impl Counts {
    /// All numbers, since nothing is hidden from oneself.
    fn whole(counts: &UserCounts) -> Self {
        let posts = counts.posts_public + counts.posts_friends + counts.posts_private;
        Self {
            friends: Some(i64::from(counts.friends)),
            followers: Some(i64::from(counts.followers)),
            posts: Some(i64::from(posts)),
        }
    }
}

/// A person's profile, without what depends on the viewer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Profile {
    /// Who it is.
    #[serde(flatten)]
    pub person: Person,
    /// What they say of themselves.
    pub bio: String,
    /// Where they say they are.
    pub location: String,
    /// Their website.
    #[schema(required)]
    pub website: Option<String>,
    /// Address of their cover picture.
    #[schema(required)]
    pub cover_url: Option<String>,
    /// When they joined.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Numbers.
    pub counts: Counts,
}

impl Profile {
    /// The profile of an account with these numbers.
    pub fn new(row: &AccountRow, counts: Counts) -> Self {
        Self {
            person: Person::from(row),
            bio: row.bio.clone(),
            location: row.location.clone(),
            website: row.website.clone(),
            cover_url: None,
            created_at: row.created_at,
            counts,
        }
    }
}

/// Oneself: a profile with what only its owner sees.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Me {
    /// What others see.
    #[serde(flatten)]
    pub profile: Profile,
    /// Always null: nobody is related to themselves.
    #[schema(required, schema_with = null)]
    pub viewer: Option<()>,
    /// E-mail address.
    pub email: String,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// Role.
    pub role: Role,
    /// What the role may do.
    pub permissions: Vec<Permission>,
    #[serde(skip)]
    pub(super) version: i64,
}

fn null() -> Object {
    Object::with_type(Type::Null)
}

/// Oneself.
pub async fn me(reads: &mut Reads<'_>, user_id: UserId) -> Result<Me> {
    let row = reads.load(&USER, &user_id).await?;
    let own = reads.load(&ME, &user_id).await?;
    let counts = reads.load(&USER_COUNTS, &user_id).await?;
    Ok(Me {
        profile: Profile::new(&row, Counts::whole(&counts)),
        viewer: None,
        email: own.email.clone(),
        email_verified: own.email_verified,
        role: row.role,
        permissions: row.role.permissions().to_vec(),
        version: row.version,
    })
}

/// A person's settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Whom posts are for when nothing else is said.
    pub default_audience: SimpleAudience,
    /// Who may ask for friendship.
    pub who_can_request: RequestPolicy,
    /// Who may write a message without being asked.
    pub who_can_message: MessagePolicy,
    /// Who may see the list and the number of friends.
    pub who_sees_friends: FriendListAudience,
    /// Whether search finds the person.
    pub searchable: bool,
    /// Whether friends see that the person is online.
    pub show_presence: bool,
    /// Whether friends see when the person was last here; works both ways.
    pub show_last_active: bool,
    /// Whether others see what the person has read; works both ways.
    pub read_receipts: bool,
    /// Whether the person is suggested to others.
    pub suggestions: bool,
    /// How often a summary comes by mail.
    pub email_digest: Digest,
    /// Language tag.
    pub language: String,
    /// Time zone.
    pub time_zone: String,
    /// The frontend's own settings.
    #[schema(value_type = HashMap<String, Value>)]
    pub client: Value,
}

/// A person's settings, with their version.
pub async fn settings(reads: &mut Reads<'_>, user_id: UserId) -> Result<(i64, Settings)> {
    let row = reads.load(&SETTINGS, &user_id).await?;
    Ok((row.version, Settings::new(&row)?))
}

impl Settings {
    fn new(row: &SettingsRow) -> Result<Self> {
        Ok(Self {
            default_audience: row.default_audience,
            who_can_request: row.who_can_request,
            who_can_message: row.who_can_message,
            who_sees_friends: row.who_sees_friends,
            searchable: row.searchable,
            show_presence: row.show_presence,
            show_last_active: row.show_last_active,
            read_receipts: row.read_receipts,
            suggestions: row.suggestions,
            email_digest: row.email_digest,
            language: row.language.clone(),
            time_zone: row.time_zone.clone(),
            client: row.client()?,
        })
    }
}

/// The person that a path names: by id, by `@username`, or by a username that they gave up lately.
/// Whether the viewer may see them is for the caller to decide.
pub async fn resolve(reads: &mut Reads<'_>, user: &UserRef) -> Result<UserId> {
    match user {
        UserRef::Id(user_id) => Ok(*user_id),
        UserRef::Name(name) => {
            let named = find_named(reads, name).await?;
            Ok(named.ok_or_else(Error::not_found)?.user_id)
        }
    }
}

/// `moved`, with the name of today, when a path names a person by a username that they gave up.
/// Ask it only after the viewer is known to see them: a new name is nothing for the blocked.
pub async fn require_current_name(reads: &mut Reads<'_>, user: &UserRef) -> Result<()> {
    let UserRef::Name(name) = user else {
        return Ok(());
    };
    let former = find_named(reads, name)
        .await?
        .filter(|named| named.is_former);
    let Some(NamedRow { user_id, .. }) = former else {
        return Ok(());
    };
    let today = &reads.load(&USER, &user_id).await?.username;
    Err(Error::moved(format!("@{name}"), format!("@{today}")))
}

async fn find_named(reads: &mut Reads<'_>, name: &str) -> Result<Option<NamedRow>> {
    let name = name.to_ascii_lowercase();
    // What can be nobody's name is not asked about, and takes no place in the cache.
    if !may_be_username(&name) {
        return Ok(None);
    }
    let found = reads.get(&USERNAME, &name).await?;
    Ok(found.as_deref().copied())
}
