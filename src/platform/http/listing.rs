//! Lists: `limit`, `cursor` and `around` in, an envelope with cursors and a `Link` header out.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::query::Query;
use super::setup::PublicUrl;
use crate::kernel::cursor::CursorCodec;
use crate::kernel::page::{Direction, Page, Slice, SortKey};
use crate::kernel::{Error, FieldError, Result};

const DEFAULT_LIMIT: u16 = 20;
/// Most items on a page.
pub const MAX_LIMIT: u16 = 100;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOf<T> {
    /// What is on the page, in the list's order.
    pub data: Vec<T>,
    /// Where the list goes on.
    pub page: PageLinks,
}

impl<T> ListOf<T> {
    /// A list that is always given as a whole, in the envelope of all lists.
    pub fn whole(data: Vec<T>) -> Self {
        let page = PageLinks {
            next: None,
            prev: None,
        };
        Self { data, page }
    }
}

/// The cursors beside a page.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageLinks {
    /// Cursor of the next page; only an absent one is the list's end.
    #[schema(required)]
    pub next: Option<String>,
    /// Cursor of what comes before this page; on the first page it later fetches what is newer.
    #[schema(required)]
    pub prev: Option<String>,
}

/// The parameters that every list takes, for the API's description.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u16>,
    /// A cursor that this list gave, with the same filters.
    pub cursor: Option<String>,
}

/// For lists that take no parameters of their own.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// What a request asks of a list. `T` is the list's own parameters.
#[derive(Clone)]
pub struct Listing<T> {
    /// The list's own parameters.
    pub filter: T,
    /// Items on a page, 1 to 100.
    pub limit: u16,
    /// The item to put in the middle of the page.
    pub around: Option<String>,
    cursor: Option<String>,
    path: String,
    query: Query,
    limited: bool,
    codec: CursorCodec,
    base: String,
}

impl<T: DeserializeOwned> FromRequest for Listing<T> {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(req).map_err(Problem))
    }
}

impl<T: DeserializeOwned> Listing<T> {
    fn read(req: &HttpRequest) -> Result<Self> {
        let mut query = Query::parse(req.query_string())?;
        let limit = query.take("limit");
        let cursor = query.take("cursor");
        let around = query.take("around");
        let mut faults = Vec::new();
        let limited = limit.is_some();
        let parsed = limit.as_deref().map_or(Ok(DEFAULT_LIMIT), parse_limit);
        if cursor.is_some() && around.is_some() {
            let detail = "Give either a cursor or the item to look around, not both.";
            faults.push(Error::invalid_field("?around", "conflict", detail));
        }
        let filter = query.clone().read();
        faults.extend(
            parsed
                .as_ref()
                .err()
                .map(|detail| Error::invalid_field("?limit", "out_of_range", detail.clone())),
        );
        let (limit, filter) = match (parsed, filter) {
            (Ok(limit), Ok(filter)) if faults.is_empty() => (limit, filter),
            (_, filter) => {
                faults.extend(filter.err());
                let fields = faults.iter().flat_map(|fault| fault.fields().to_vec());
                return Err(Error::invalid(fields.map(told_of_lists).collect()));
            }
        };
        let missing = || Error::internal(anyhow::anyhow!("the HTTP layer was not set up"));
        Ok(Self {
            filter,
            limit,
            around,
            cursor,
            path: req.path().to_owned(),
            query,
            limited,
            codec: req.app_data::<CursorCodec>().cloned().ok_or_else(missing)?,
            base: req
                .app_data::<PublicUrl>()
                .map(|url| url.0.clone())
                .ok_or_else(missing)?,
        })
    }
}

/// What no list knows is told beside what all lists know.
fn told_of_lists(mut field: FieldError) -> FieldError {
    if field.code == "unknown_parameter" {
        field.detail.push_str(" Lists take `limit` and `cursor`.");
    }
    field
}

fn parse_limit(text: &str) -> std::result::Result<u16, String> {
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("Expected a whole number from 1 to {MAX_LIMIT}."))
}

impl<T> Listing<T> {
    /// The stretch to read. Refuses cursors of other lists, other filters and other servers, and
    /// `around`: a list that knows it looks at it first.
    pub fn slice<K: SortKey>(&self) -> Result<Slice<K>> {
        if self.around.is_some() {
            let detail = "There is no such parameter.";
            return Err(Error::invalid_field("?around", "unknown_parameter", detail));
        }
        let Some(cursor) = &self.cursor else {
            return Ok(Slice::first(self.limit));
        };
        self.codec.open(cursor, &self.scope(), self.limit)
    }

    /// The two stretches around the item at `key`: what comes before it, and what follows. The
    /// item itself belongs in front of the rows of the second, and the pages are joined by
    /// `older.page(rows).preceded_by(newer.page(rows))`.
    pub fn slices_around<K: SortKey>(&self, key: &K) -> (Slice<K>, Slice<K>) {
        let before = self.limit / 2;
        let towards = |direction, limit| Slice {
            from: Some(key.clone()),
            direction,
            ..Slice::first(limit)
        };
        (
            towards(Direction::Prev, before),
            towards(Direction::Next, self.limit - before),
        )
    }

    /// The response with the page, its cursors and the same as a `Link` header (RFC 8288).
    pub fn respond<K: SortKey, I: Serialize>(&self, page: Page<K, I>) -> HttpResponse {
        let (links, page_links) = self.page_links(&page);
        paged(&links).json(ListOf {
            data: page.items,
            page: page_links,
        })
    }

    /// The same for items that are JSON already.
    pub fn respond_with_json<K: SortKey>(&self, page: &Page<K, Vec<u8>>) -> Result<HttpResponse> {
        let (links, page_links) = self.page_links(page);
        let size: usize = page.items.iter().map(Vec::len).sum();
        let mut body = Vec::with_capacity(size + page.items.len() + 512);
        body.extend_from_slice(b"{\"data\":[");
        for (place, item) in page.items.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        body.extend_from_slice(b"],\"page\":");
        serde_json::to_writer(&mut body, &page_links).map_err(Error::internal)?;
        body.push(b'}');
        Ok(paged(&links).content_type("application/json").body(body))
    }

    /// The `Link` header and the cursors of a page.
    fn page_links<K: SortKey, I>(&self, page: &Page<K, I>) -> (String, PageLinks) {
        let scope = self.scope();
        let next = page
            .next
            .as_ref()
            .map(|key| self.codec.seal(Some(key), Direction::Next, &scope));
        let (newest, late) = (page.prev.as_ref(), page.late.as_ref());
        let prev = self.codec.seal_newer(newest, late, &scope);
        let links: Vec<String> = next
            .iter()
            .map(|cursor| self.link(cursor, "next"))
            .chain([self.link(&prev, "prev")])
            .collect();
        let page_links = PageLinks {
            next,
            prev: Some(prev),
        };
        (links.join(", "), page_links)
    }

    fn link(&self, cursor: &str, relation: &str) -> String {
        let limit = self.limit.to_string();
        let paging = [("limit", limit.as_str()), ("cursor", cursor)];
        let more = if self.limited {
            paging.as_slice()
        } else {
            paging.get(1..).unwrap_or_default()
        };
        let query = self.query.encode(more);
        format!(
            "<{}{}?{query}>; rel=\"{relation}\"",
            self.base.trim_end_matches('/'),
            self.path
        )
    }

    /// What a cursor is bound to: the list's path and all its filters.
    fn scope(&self) -> String {
        format!("{}?{}", self.path, self.query.encode(&[]))
    }
}

/// The head of a response with a page.
fn paged(links: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::LINK, links));
    response
}
