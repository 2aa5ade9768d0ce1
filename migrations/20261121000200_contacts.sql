-- Contacts, their types, their timeline, and the addresses nobody may write to.

create table public.contact_types (
  key text primary key check (key ~ '^[a-z][a-z_]*$'),
  label text not null,
  position smallint not null,
  campaign_id uuid  -- foreign key follows with drip_campaigns
);

create table public.contacts (
  id uuid primary key default private.uuid_v7(),
  first_name text not null default '' check (length(first_name) <= 200),
  last_name text not null default '' check (length(last_name) <= 200),
  -- Stored normalised (lower case, ASCII domain); null for a person whose address is not known.
  email text unique check (email = lower(btrim(email)) and length(email) between 3 and 254),
  phone text not null default '',
  company_name text not null default '',
  job_title text not null default '',
  industry text not null default '',
  contact_type text not null default 'networking' references public.contact_types (key),
  owner_id uuid references public.profiles (id) on delete set null,
  city text not null default '',
  state text not null default '',
  country text not null default '' check (country ~ '^([A-Z]{2})?$'),
  time_zone text check (private.is_time_zone(time_zone)),
  email_status text not null default 'ok'
    check (email_status in ('ok', 'unsubscribed', 'bounced', 'complained', 'invalid')),
  email_status_reason text not null default '',
  email_status_at timestamptz,
  archived_at timestamptz,
  source text not null default 'manual',
  website text not null default '',
  profile_url text not null default '',
  tags text[] not null default '{}',
  notes text not null default '' check (length(notes) <= 10000),
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  search_text text not null generated always as
    (private.searchable(first_name, last_name, company_name, email, phone)) stored,
  constraint contacts_have_a_name_or_an_address
    check (email is not null or btrim(first_name) <> '' or btrim(last_name) <> '')
) with (fillfactor = 85);
comment on column public.contacts.country is 'ISO 3166-1 alpha-2, or empty';
comment on column public.contacts.time_zone is 'IANA name; null means the default of app_settings';

-- Search as one types: three characters and up use the trigram index.
create index contacts_search on public.contacts using gin (search_text extensions.gin_trgm_ops);
-- Lists by type, newest first (the id is time-ordered).
create index contacts_by_type on public.contacts (contact_type, id desc) where archived_at is null;
-- Row-level security asks for these.
create index contacts_owner on public.contacts (owner_id);
create index contacts_created_by on public.contacts (created_by);
-- Import matches people without an address by name and company.
create index contacts_without_address on public.contacts
  (lower(last_name), lower(first_name), lower(company_name)) where email is null;

create table public.suppressions (
  id bigint generated always as identity primary key,
  -- No reference to contacts: a suppression outlives the contact and blocks re-import.
  email text not null unique check (email = lower(btrim(email))),
  reason text not null
    check (reason in ('unsubscribed', 'hard_bounce', 'complaint', 'invalid', 'opted_out', 'manual')),
  source text not null default 'manual',
  created_by uuid references public.profiles (id) on delete set null,
  created_at timestamptz not null default private.clock()
);
create index suppressions_created_by on public.suppressions (created_by);

create table public.activities (
  id bigint generated always as identity primary key,
  contact_id uuid not null references public.contacts (id) on delete cascade,
  occurred_at timestamptz not null default private.clock(),
  kind text not null check (kind in (
    'contact_created', 'contact_imported', 'contact_updated', 'type_changed', 'archived', 'unarchived',
    'enrolled', 'enrollment_paused', 'enrollment_resumed', 'enrollment_stopped', 'enrollment_completed',
    'email_sent', 'email_failed', 'email_event', 'unsubscribed', 'suppressed',
    'note', 'call', 'meeting', 'task')),
  summary text not null check (length(summary) between 1 and 10000),
  actor_id uuid default private.user_id() references public.profiles (id) on delete set null,
  enrollment_id uuid,
  send_id uuid,
  due_at timestamptz,
  completed_at timestamptz
);
create index activities_timeline on public.activities (contact_id, occurred_at desc, id desc);
create index activities_actor on public.activities (actor_id) where actor_id is not null;

-- What happened stays as it was written: a task may be completed or moved, an entry never reworded,
-- and entries go only with the contact itself.
create function private.guard_activity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    if exists (select from public.contacts where id = old.contact_id) then
      raise exception 'The timeline is append-only.' using errcode = 'MP002';
    end if;
    return old;
  end if;
  if (to_jsonb(new) - 'due_at' - 'completed_at' - 'actor_id')
     is distinct from (to_jsonb(old) - 'due_at' - 'completed_at' - 'actor_id')
     or (new.actor_id is distinct from old.actor_id and new.actor_id is not null) then
    raise exception 'The timeline is append-only.' using errcode = 'MP002';
  end if;
  return new;
end
$$;
create trigger guard_activity before update or delete on public.activities
  for each row execute function private.guard_activity();
create function private.refuse_truncate() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception '% is append-only.', tg_table_name using errcode = 'MP002';
end
$$;
create trigger refuse_truncate before truncate on public.activities
  for each statement execute function private.refuse_truncate();
