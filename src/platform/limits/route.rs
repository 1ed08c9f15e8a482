//! Which routes are limited by what: data that the domains bring.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::policies::GENERAL;
use super::subject::Subject;
use crate::infra::ratelimit::{Check, Keyed, Policy};
use crate::kernel::UserId;

/// Who asks the limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The middleware, before the handler runs.
    Door,
    /// The middleware, in place of the general limit.
    DoorAlone,
    /// The action, which knows more; see [`Gate`](super::Gate).
    Action,
}

/// A limit of a route, beside the general one.
#[derive(Debug, Clone, Copy)]
pub struct RouteLimit {
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// What limits it.
    pub policy: &'static Policy,
    /// Who asks.
    pub by: By,
}

/// A limit that the middleware checks.
pub const fn at_door(
    method: &'static str,
    path: &'static str,
    policy: &'static Policy,
) -> RouteLimit {
    RouteLimit {
        method,
        path,
        policy,
        by: By::Door,
    }
}

/// A limit that the middleware checks in place of the general one: for what clients do all the time.
pub const fn instead_at_door(
    method: &'static str,
    path: &'static str,
    policy: &'static Policy,
) -> RouteLimit {
    RouteLimit {
        by: By::DoorAlone,
        ..at_door(method, path, policy)
    }
}

/// A limit that the action checks.
pub const fn in_action(
    method: &'static str,
    path: &'static str,
    policy: &'static Policy,
) -> RouteLimit {
    RouteLimit {
        by: By::Action,
        ..at_door(method, path, policy)
    }
}

/// What the middleware checks, by method and path template.
#[derive(Debug, Clone)]
pub struct RouteLimits(Arc<HashMap<(&'static str, &'static str), Own>>);

/// What limits one route.
#[derive(Debug, Clone, Default)]
struct Own {
    policies: Vec<&'static Policy>,
    /// Whether the general limit counts it too.
    is_general: bool,
}

impl RouteLimits {
    /// The limits of all domains.
    pub fn new(limits: impl IntoIterator<Item = RouteLimit>) -> Self {
        let mut at_door: HashMap<_, Own> = HashMap::new();
        for limit in limits.into_iter().filter(|limit| limit.by != By::Action) {
            let own = at_door.entry((limit.method, limit.path)).or_default();
            own.policies.push(limit.policy);
            own.is_general |= limit.by == By::Door;
        }
        Self(Arc::new(at_door))
    }

    /// What limits `method` on `path`, the template of the route or nothing that is known. Only the
    /// API is limited: not health, not documentation.
    pub fn of(&self, method: &str, path: &str, template: Option<&str>) -> Vec<&'static Policy> {
        if path != "/v1" && !path.starts_with("/v1/") {
            return Vec::new();
        }
        let own = template.and_then(|template| self.0.get(&(method, template)));
        let general = own.is_none_or(|own| own.is_general).then_some(&GENERAL);
        let own = own.into_iter().flat_map(|own| own.policies.iter().copied());
        general.into_iter().chain(own).collect()
    }

    /// What limits a route beside the general limit.
    pub fn own<'a>(&'a self, method: &'a str, template: &'a str) -> &'a [&'static Policy] {
        self.0
            .get(&(method, template))
            .map_or(&[], |own| own.policies.as_slice())
    }
}

/// What to ask the limiter about a request. Pure.
pub fn plan(policies: &[&'static Policy], user_id: Option<UserId>, address: IpAddr) -> Vec<Check> {
    let check = |policy: &&'static Policy| match policy.keyed {
        Keyed::Caller => Subject::caller(user_id, address).check(policy),
        // Of an account only the action knows.
        Keyed::Address | Keyed::Account => Subject::Address(address).check(policy),
    };
    policies.iter().map(check).collect()
}
