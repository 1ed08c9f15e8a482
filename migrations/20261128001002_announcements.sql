-- What operators tell everybody. Streams hold no content, so it is kept here; who was away is told when
-- they come back, within the days for which streams are kept.
create table announcement (
    announcement_id uuid primary key,
    content text not null,
    -- Null when it was made on the command line.
    created_by uuid references account,
    created_at timestamptz not null
);
