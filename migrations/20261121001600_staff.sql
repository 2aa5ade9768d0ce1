-- How colleagues come in: an admin invites an address, and whoever signs in with that address, verified,
-- joins the staff in the invited role. A profile's id is the subject of the sign-in token.

create table public.invitations (
  id uuid primary key default private.uuid_v7(),
  email text not null unique check (email = lower(btrim(email)) and email like '_%@_%' and length(email) <= 254),
  full_name text not null check (btrim(full_name) <> '' and length(full_name) <= 200),
  role text not null default 'sales' check (role in ('sales', 'admin')),
  invited_by uuid default private.user_id() references public.profiles (id) on delete set null,
  -- Written by the installation itself (FIRST_ADMIN_EMAIL), not by a colleague.
  first_admin boolean not null default false check (not first_admin or role = 'admin'),
  invited_at timestamptz not null default private.clock()
);
comment on table public.invitations is 'Addresses that may join the staff; accepted ones are deleted.';
create index invitations_invited_by on public.invitations (invited_by);
create unique index one_first_admin_invitation on public.invitations (first_admin) where first_admin;

create trigger write_audit after insert or update or delete on public.invitations
  for each row execute function private.write_audit();

-- invitations: sales nothing, admin R I D in their own name, service nothing (the functions below act for it)
alter table public.invitations enable row level security;
alter table public.invitations force row level security;
revoke all on public.invitations from public, anon, authenticated, service_role;
grant select, insert, delete on public.invitations to authenticated;
create policy admin_read on public.invitations for select to authenticated using ((select private.is_admin()));
create policy admin_add on public.invitations for insert to authenticated
  with check ((select private.is_admin()) and invited_by = (select private.user_id()) and not first_admin);
create policy admin_delete on public.invitations for delete to authenticated using ((select private.is_admin()));

-- Who has left can give the address up, for somebody else or for a new account of their own.
alter table public.profiles alter column email drop not null,
  add constraint active_staff_have_an_address check (email is not null or not active);

-- An invitation to an address that a colleague has could never be accepted.
create function private.guard_invitation() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  colleague public.profiles;
begin
  select * into colleague from public.profiles where email = new.email;
  if colleague.active then
    raise exception '% has this address already.', colleague.full_name using errcode = 'MP001';
  elsif colleague.id is not null then
    raise exception '% had this address. Reactivate them, or free the address first.', colleague.full_name
      using errcode = 'MP001';
  end if;
  return new;
end
$$;
create trigger guard_invitation before insert on public.invitations
  for each row execute function private.guard_invitation();

-- As before, and two admins who remove each other at the same moment do not leave none; and nobody but an admin
-- changes an address: a person who took the one of somebody invited would keep them out, and would be taken for them
-- when the first admin is looked for.
create or replace function private.guard_profile_role() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if (old.role, old.active) is distinct from (new.role, new.active)
     and old.id = private.user_id() then
    raise exception 'You cannot change your own role.' using errcode = 'MP001';
  end if;
  if old.role = 'admin' and old.active and (new.role <> 'admin' or not new.active) then
    perform pg_advisory_xact_lock(hashtextextended('private.guard_profile_role', 0));
    if not exists (select from public.profiles where role = 'admin' and active and id <> old.id) then
      raise exception 'The last admin must stay an admin.' using errcode = 'MP001';
    end if;
  end if;
  if (new.role, new.email) is distinct from (old.role, old.email) and not private.acts_as_service()
     and not private.is_admin() then
    raise exception 'Only an admin changes roles and addresses.' using errcode = 'MP001';
  end if;
  return new;
end
$$;

-- The address of the signed-in person, if somebody vouches for it; null otherwise. On Supabase its own table of
-- accounts decides, elsewhere the claims of the sign-in. What people write into their user_metadata counts nowhere.
create function private.verified_address() returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  address text;
  verified boolean;
  accounts integer := 0;
begin
  if to_regclass('auth.users') is not null then
    -- Elsewhere the table does not exist, so the statement must not be read before it is needed.
    execute 'select email::text, email_confirmed_at is not null from auth.users where id = $1'
      into address, verified using private.user_id();
    get diagnostics accounts = row_count;
  end if;
  if accounts = 0 then
    address := claims ->> 'email';
    verified := claims ->> 'email_verified' = 'true';
  end if;
  -- Collation "C" leaves letters alone that only look like those of another address in lower case.
  return case when verified then nullif(lower(btrim(address) collate "C"), '') end;
end
$$;

-- Of a person and the address they come with: known, inactive, or address_taken by a colleague; null for a stranger.
create function private.standing_of(person uuid, address text) returns text
language sql stable security definer set search_path = '' as $$
  select case when id <> person then 'address_taken' when active then 'known' else 'inactive' end
  from public.profiles where id = person or email = address
  order by id = person desc limit 1
$$;

-- The local admin of an installation without sign-in cannot be reached any more once a real one has come.
create function private.retire_local_admin(p_now timestamptz) returns void
language sql security definer set search_path = '' as $$
  update public.profiles set active = false, updated_at = p_now
  where id = '00000000-0000-0000-0000-000000000001' and active
$$;

-- Called by whoever signs in: known, joined, not_invited, unverified, address_taken or inactive.
create function public.join_staff(p_now timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
  me uuid := private.user_id();
  standing text := private.standing_of(me, null);
  address text;
  invited public.invitations;
begin
  if me is null then
    raise exception 'Nobody is signed in.' using errcode = '42501';
  elsif standing is not null then
    return standing;
  end if;
  address := private.verified_address();
  if address is null then
    return 'unverified';
  end if;
  standing := private.standing_of(me, address);
  if standing is not null then
    return standing;
  end if;
  perform set_config('mpt.now', p_now::text, true);
  select * into invited from public.invitations where email = address for update;
  if invited.id is null then
    -- Another tab may have been first: the lock waited for it.
    return coalesce(private.standing_of(me, address), 'not_invited');
  end if;
  insert into public.profiles (id, email, full_name, role, created_at, updated_at)
  values (me, address, invited.full_name, invited.role, p_now, p_now);
  delete from public.invitations where id = invited.id;
  if invited.role = 'admin' then
    perform private.retire_local_admin(p_now);
  end if;
  return 'joined';
end
$$;

-- Called at the app's start with FIRST_ADMIN_EMAIL: while there is no admin but the local one, a colleague with
-- this address becomes one, or the address is invited as one. True if an invitation is open now.
create function public.invite_first_admin(p_email text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  address text := lower(btrim(p_email));
begin
  if not private.acts_as_service() then
    raise exception 'Only the installation itself invites the first admin.' using errcode = '42501';
  end if;
  perform set_config('mpt.now', p_now::text, true);
  -- One start after another, and none beside an invitation that is just being accepted.
  lock table public.invitations in share row exclusive mode;
  if exists (select from public.profiles
             where role = 'admin' and active and id <> '00000000-0000-0000-0000-000000000001') then
    return false;
  end if;
  delete from public.invitations where first_admin and email <> address;
  if exists (select from public.profiles where email = address) then
    update public.profiles set role = 'admin', updated_at = p_now where email = address and active;
    if found then
      perform private.retire_local_admin(p_now);
    end if;
    return false;
  end if;
  insert into public.invitations as i (email, full_name, role, invited_by, first_admin, invited_at)
  values (address, coalesce(nullif(btrim(initcap(translate(split_part(address, '@', 1), '._-+', '    '))), ''), address),
          'admin', null, true, p_now)
  on conflict (email) do update set role = 'admin', first_admin = true
  where (i.role, i.first_admin) is distinct from ('admin', true);
  return true;
end
$$;

revoke all on function private.guard_invitation(), private.verified_address(), private.standing_of(uuid, text),
  private.retire_local_admin(timestamptz), public.join_staff(timestamptz),
  public.invite_first_admin(text, timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.join_staff(timestamptz) to authenticated;
grant execute on function public.invite_first_admin(text, timestamptz) to service_role;
