-- Discovery calls, projects and networking events: where contacts come from and where they go.

create table public.discovery_submissions (
  id uuid primary key default private.uuid_v7(),
  contact_id uuid references public.contacts (id) on delete set null,
  email text not null check (email = lower(btrim(email))),
  answers jsonb not null default '{}',
  status text not null default 'new' check (status in ('new', 'in_progress', 'done', 'dismissed')),
  assigned_to uuid references public.profiles (id) on delete set null,
  submitted_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);
create index discovery_submissions_contact on public.discovery_submissions (contact_id);
create index discovery_submissions_assigned_to on public.discovery_submissions (assigned_to);

create table public.projects (
  id uuid primary key default private.uuid_v7(),
  contact_id uuid not null references public.contacts (id) on delete cascade,
  name text not null check (btrim(name) <> ''),
  stage text not null default 'discovery'
    check (stage in ('discovery', 'proposal', 'active', 'completed', 'lost')),
  value_cents bigint not null default 0 check (value_cents >= 0),
  owner_id uuid default private.user_id() references public.profiles (id) on delete set null,
  completed_at timestamptz,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);
create index projects_contact on public.projects (contact_id);
create index projects_owner on public.projects (owner_id);

create table public.networking_events (
  id uuid primary key default private.uuid_v7(),
  name text not null check (btrim(name) <> ''),
  held_on date not null,
  location text not null default '',
  notes text not null default '',
  owner_id uuid default private.user_id() references public.profiles (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);
create index networking_events_owner on public.networking_events (owner_id);

create table public.networking_event_attendees (
  event_id uuid not null references public.networking_events (id) on delete cascade,
  contact_id uuid not null references public.contacts (id) on delete cascade,
  notes text not null default '',
  added_by uuid default private.user_id() references public.profiles (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  primary key (event_id, contact_id)
);
create index networking_event_attendees_contact on public.networking_event_attendees (contact_id);
create index networking_event_attendees_added_by on public.networking_event_attendees (added_by);
