//! The text that a server answers to `INFO`.

/// What the reply to `INFO` says under a name; nothing where it has no such line.
pub(super) fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let mut lines = info.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let told = "# Memory\r\nused_memory_rss:5\r\nused_memory:7\r\n";
        assert_eq!(field(told, "used_memory"), "7");
        assert_eq!(field(told, "memory"), "");
    }
}
