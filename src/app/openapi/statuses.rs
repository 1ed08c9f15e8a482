//! Which problems an operation can answer with. Most follow from what it takes and who may call it;
//! the rest stands in a table.

use actix_web::http::Method;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};

/// What the description of an operation tells about it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them go together"
)]
pub(super) struct Traits {
    id: String,
    /// It is part of the API, and limited like all of it.
    pub in_api: bool,
    secured: bool,
    has_body: bool,
    looks_up: bool,
    names_person: bool,
    /// It edits an object, and `If-Match` may guard it.
    pub is_edit: bool,
    /// It honours `Idempotency-Key`.
    pub keyed: bool,
    /// It answers with a page and its cursors.
    pub is_list: bool,
    /// It reads an object that has an `ETag`.
    pub tagged_read: bool,
    /// It writes an object and answers with its new `ETag`.
    pub tagged_write: bool,
}

/// Objects with an entity tag: reads of them.
const TAGGED_READS: &[&str] = &[
    "get_account",
    "get_circle",
    "get_comment",
    "get_conversation",
    "get_friend_request",
    "get_me",
    "get_meta",
    "get_post",
    "get_settings",
    "get_user",
];

/// Objects with an entity tag: what writes them beside the edits.
const TAGGED_WRITES: &[&str] = &[
    "add_circle_member",
    "create_circle",
    "create_comment",
    "create_conversation",
    "create_message",
    "create_post",
    "remove_circle_member",
    "restore_post",
];

/// Operations that read and write nothing in Postgres.
const WITHOUT_DATABASE: &[&str] = &["get_meta", "livez"];

/// Operations that come to the same however often they are done, and take no `Idempotency-Key`.
const WITHOUT_KEY: &[&str] = &["invalidate_space", "note_views", "warm_cache"];

/// What does not follow from the description: wrong credentials, the state of things, and
/// people named in a body.
const OTHERS: &[(&str, &[&str])] = &[
    ("add_conversation_member", &["409"]),
    ("cancel_friend_request", &["409"]),
    ("change_account", &["409"]),
    ("change_email", &["409"]),
    ("create_conversation", &["404"]),
    ("create_friend_request", &["404"]),
    ("delete_message_reaction", &["410"]),
    ("list_events", &["410"]),
    ("login", &["401", "403"]),
    ("refresh", &["401", "403"]),
    ("register", &["403", "409"]),
    ("rename_circle", &["409"]),
    ("restore_post", &["410"]),
    ("run_job", &["409"]),
    ("run_realtime_commands", &["404"]),
    ("set_comment_reaction", &["409"]),
    ("set_message_reaction", &["409", "410"]),
    ("set_post_reaction", &["409"]),
    ("update_message", &["410"]),
    ("update_me", &["409"]),
    ("verify_email", &["409"]),
    ("warm_cache", &["409"]),
];

impl Traits {
    /// What the description of `method` on `path` tells.
    pub fn of(path: &str, method: &Method, operation: &Operation) -> Self {
        let id = operation.operation_id.clone().unwrap_or_default();
        let parameters = operation.parameters.as_deref().unwrap_or_default();
        let any = |test: &dyn Fn(&Parameter) -> bool| {
            parameters
                .iter()
                .any(|parameter| matches!(parameter, RefOr::T(parameter) if test(parameter)))
        };
        let secured = operation.security.is_some();
        Self {
            in_api: path.starts_with("/v1/"),
            secured,
            has_body: operation.request_body.is_some(),
            looks_up: any(&|one| one.parameter_in == ParameterIn::Path || one.name == "around"),
            names_person: any(&|one| {
                let schema = one.schema.as_ref();
                one.parameter_in == ParameterIn::Path
                    && matches!(schema, Some(RefOr::Ref(of)) if of.ref_location.ends_with("/UserRef"))
            }),
            is_edit: *method == Method::PATCH,
            // Routes that answer with secrets take no key.
            keyed: *method == Method::POST
                && secured
                && !path.starts_with("/v1/auth/")
                && !path.starts_with("/v1/realtime/")
                && !WITHOUT_KEY.contains(&id.as_str()),
            is_list: any(&|one| one.name == "cursor") && !path.starts_with("/v1/realtime/"),
            tagged_read: TAGGED_READS.contains(&id.as_str()),
            tagged_write: *method == Method::PATCH || TAGGED_WRITES.contains(&id.as_str()),
            id,
        }
    }
}

/// The statuses of the problems that the operation can answer with.
pub(super) fn problems(traits: &Traits) -> Vec<&'static str> {
    let by_rule: [(&[&str], bool); 8] = [
        (&["500"], true),
        (&["503"], !WITHOUT_DATABASE.contains(&traits.id.as_str())),
        // A query that an operation does not take is refused, so each can answer 400 and 422.
        (&["400", "406", "422", "429"], traits.in_api),
        (&["401", "403"], traits.secured),
        (&["404"], traits.looks_up),
        (&["308"], traits.names_person),
        (&["413", "415"], traits.has_body),
        (&["412"], traits.is_edit),
    ];
    let mut found: Vec<&str> = by_rule
        .iter()
        .filter(|(_, applies)| *applies)
        .flat_map(|(statuses, _)| statuses.iter().copied())
        .collect();
    if traits.keyed {
        found.push("409");
    }
    let others = OTHERS.iter().filter(|(id, _)| *id == traits.id);
    found.extend(others.flat_map(|(_, statuses)| statuses.iter().copied()));
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{document, operations_mut};
    use super::*;

    #[test]
    fn every_operation_that_a_table_names_is_there() {
        let mut document = document();
        let known: BTreeSet<String> = document
            .paths
            .paths
            .values_mut()
            .flat_map(|item| operations_mut(item))
            .filter_map(|(_, operation)| operation.operation_id.clone())
            .collect();
        let others = OTHERS.iter().map(|(id, _)| id);
        let lists = [TAGGED_READS, TAGGED_WRITES, WITHOUT_DATABASE, WITHOUT_KEY];
        for id in lists.into_iter().flatten().chain(others) {
            assert!(known.contains(*id), "{id}");
        }
    }
}
