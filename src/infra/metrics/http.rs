//! Answers by route, counted with handles that each thread keeps.

use std::cell::RefCell;
use std::time::Duration;

use ahash::AHashMap;
use metrics::{Counter, Histogram};

use super::declared::{HTTP_REQUESTS, HTTP_SECONDS};

/// Methods that may be labels. Clients can send any word as a method, and a label is for good.
const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "other",
];

/// The handles of one method and status on one route.
struct Handles {
    method: &'static str,
    status: u16,
    count: Counter,
    seconds: Histogram,
}

thread_local! {
    /// By pattern. There are as many as routes, each with the few statuses that it answers.
    static ROUTES: RefCell<AHashMap<String, Vec<Handles>>> = RefCell::default();
}

/// Counts an answer. `route` is the route's pattern and never the path itself.
pub fn answered(method: &str, route: &str, status: u16, took: Duration) {
    let known = METHODS.iter().find(|known| **known == method);
    let method = known.copied().unwrap_or("other");
    ROUTES.with_borrow_mut(|routes| {
        if !routes.contains_key(route) {
            routes.insert(route.to_owned(), Vec::new());
        }
        let Some(all) = routes.get_mut(route) else {
            return;
        };
        let is_ours = |handles: &Handles| handles.method == method && handles.status == status;
        if let Some(handles) = all.iter().find(|handles| is_ours(handles)) {
            handles.add(took);
            return;
        }
        let handles = Handles {
            method,
            status,
            count: HTTP_REQUESTS.counter(&[method, route, &status.to_string()]),
            seconds: HTTP_SECONDS.histogram(&[method, route]),
        };
        handles.add(took);
        all.push(handles);
    });
}

impl Handles {
    fn add(&self, took: Duration) {
        self.count.increment(1);
        self.seconds.record(took);
    }
}
