-- Roles, helper schema, people and settings: what every later migration builds on.
-- On Supabase the three API roles exist already; on any other Postgres they are made here
-- with the same powers, so that row-level security acts the same in both places.

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
end
$$;

create schema if not exists extensions;
create extension if not exists pg_trgm with schema extensions;

create schema private;
comment on schema private is 'Helpers of policies and triggers; never exposed through the REST API.';
grant usage on schema private to authenticated, service_role;
grant usage on schema extensions to authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;

-- Nothing is reachable unless a later statement grants it by name.
alter default privileges in schema public revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from public, anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;

-- The next four stand in column defaults and generated columns, once a row. They carry no SET clause,
-- because only then does the planner inline them (a call costs forty times as much); every name in them
-- is qualified instead, so no search_path can change what they do.

-- The moment a statement acts for. Functions that take p_now hand it to triggers through this
-- setting; a plain INSERT or UPDATE falls back to the transaction's own time.
create function private.clock() returns timestamptz
language sql stable as $$
  select coalesce(nullif(pg_catalog.current_setting('mpt.now', true), '')::pg_catalog.timestamptz, pg_catalog.now())
$$;

-- A time-ordered identifier (RFC 9562, version 7): newest-first lists page on the primary key,
-- and fresh rows land in the same few index pages.
create function private.uuid_v7() returns uuid
language sql volatile as $$
  select pg_catalog.encode(
    pg_catalog.set_bit(pg_catalog.set_bit(
      pg_catalog.overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
        pg_catalog.substring(pg_catalog.int8send(
          (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
             operator(pg_catalog.*) 1000::pg_catalog.float8)::pg_catalog.int8), 3), 1, 6),
      52, 1), 53, 1),
    'hex')::pg_catalog.uuid
$$;

-- The signed-in person, as PostgREST and our own gateway put it into the transaction.
create function private.user_id() returns uuid
language sql stable as $$
  select (nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb
            operator(pg_catalog.->>) 'sub')::pg_catalog.uuid
$$;

-- What a search looks through.
create function private.searchable(variadic parts text[]) returns text
language sql immutable parallel safe as
$$ select pg_catalog.lower(pg_catalog.array_to_string(parts, ' ')) $$;

create function private.is_time_zone(zone text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  perform timestamptz 'epoch' at time zone zone;
  return true;
exception when invalid_parameter_value then
  return false;
end
$$;

create table public.profiles (
  id uuid primary key,
  email text not null unique check (email = lower(btrim(email))),
  full_name text not null check (btrim(full_name) <> ''),
  phone text not null default '',
  role text not null default 'sales' check (role in ('sales', 'admin')),
  active boolean not null default true,
  time_zone text not null default 'UTC' check (private.is_time_zone(time_zone)),
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock()
);
comment on table public.profiles is 'Staff. The id is the subject of the sign-in token.';

create function private.is_staff() returns boolean
language sql stable security definer set search_path = '' as
$$ select exists (select from public.profiles where id = private.user_id() and active) $$;

create function private.is_admin() returns boolean
language sql stable security definer set search_path = '' as
$$ select exists (select from public.profiles
                  where id = private.user_id() and active and role = 'admin') $$;

-- The scheduler, the public routes and operators: no person is signed in, and the role is not the one people
-- act under. (A token without a subject is still a stranger, not the service.)
create function private.acts_as_service() returns boolean
language sql stable set search_path = '' as
$$ select private.user_id() is null and current_setting('role', true) not in ('authenticated', 'anon') $$;

-- Nobody changes their own role, and the last active admin stays one.
create function private.guard_profile_role() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if (old.role, old.active) is distinct from (new.role, new.active)
     and old.id = private.user_id() then
    raise exception 'You cannot change your own role.' using errcode = 'MP001';
  end if;
  if old.role = 'admin' and old.active and (new.role <> 'admin' or not new.active)
     and not exists (select from public.profiles
                     where role = 'admin' and active and id <> old.id) then
    raise exception 'The last admin must stay an admin.' using errcode = 'MP001';
  end if;
  if new.role is distinct from old.role and not private.acts_as_service()
     and not private.is_admin() then
    raise exception 'Only an admin changes roles.' using errcode = 'MP001';
  end if;
  return new;
end
$$;
create trigger guard_profile_role before update on public.profiles
  for each row execute function private.guard_profile_role();

create table public.app_settings (
  key text primary key,
  value jsonb not null,
  is_secret boolean not null default false,
  description text not null default '',
  updated_at timestamptz not null default private.clock()
);
insert into public.app_settings (key, value, description) values
  ('default_time_zone', '"America/New_York"', 'IANA zone for contacts without one'),
  ('default_country', '"US"', 'ISO 3166 country whose holidays count for contacts without one'),
  ('contact_daily_cap', '1', 'E-mails at most to one contact on one local day'),
  ('sending_halt', 'null', 'Why all sending is stopped; null while it is not'),
  ('run_requested_at', 'null', 'When somebody last asked the scheduler to run at once');

create function private.setting(wanted text) returns jsonb
language sql stable security definer set search_path = '' as
$$ select value from public.app_settings where key = wanted $$;
