-- Why did, or didn't, this contact get that e-mail? Every fact the answer needs, step by step; crm/records
-- puts them into one sentence. For contacts the reader may change, since it tells what was sent to them.
create function public.explain_steps(p_contact uuid, p_now timestamptz)
returns table (
  campaign_id uuid, campaign_name text, campaign_status text, campaign_reason text,
  step smallint, place smallint, template_name text, is_published boolean,
  enrollment_status text, enrollment_reason text, enrolled_at timestamptz, ended_at timestamptz, run integer,
  next_step smallint, next_place smallint, next_send_at timestamptz,
  send_status text, send_reason text, attempts smallint, handed_over_at timestamptz, delivered_at timestamptz,
  opened_at timestamptz, clicked_at timestamptz,
  decision_reason text, decision text, decided_at timestamptz, decision_until timestamptz,
  email_status text, email_status_reason text, archived_at timestamptz, quiet_until timestamptz,
  suppressed boolean, halted_because text, account_is_full boolean)
language sql stable security definer set search_path = '' as $$
  select d.id, d.name, d.status, d.paused_reason, t.step, t.position, t.name, t.status = 'published',
         e.status, e.reason, e.enrolled_at, e.ended_at, e.run, e.next_step,
         (select n.position from public.drip_campaign_templates n
          where n.campaign_id = d.id and n.step = e.next_step and n.status = 'published'),
         e.next_send_at, s.status, s.reason, s.attempts, s.handed_over_at, s.delivered_at, s.first_opened_at,
         s.first_clicked_at, w.reason, w.explanation, w.decided_at, w.until,
         c.email_status, c.email_status_reason, c.archived_at, c.quiet_until,
         exists (select from public.suppressions x where x.email = c.email),
         (select a.value #>> '{}' from public.app_settings a where a.key = 'sending_halt' and a.value <> 'null'),
         coalesce(private.account_room(p_now) = 0, false)
  from public.contacts c
  join lateral (
    select distinct on (x.campaign_id) x.* from public.campaign_enrollments x
    where x.contact_id = c.id order by x.campaign_id, x.run desc, x.enrolled_at desc, x.id desc) e on true
  join public.drip_campaigns d on d.id = e.campaign_id
  -- Each step in its published version, or its last one where it was sent and retired since.
  join lateral (
    select distinct on (v.step) v.step, v.position, v.name, v.status from public.drip_campaign_templates v
    where v.campaign_id = d.id and v.status <> 'draft'
    order by v.step, v.status = 'published' desc, v.version desc) t on true
  left join public.email_sends s
    on s.contact_id = c.id and s.campaign_id = d.id and s.step = t.step and s.run = e.run
  left join lateral (
    select y.reason, y.explanation, y.decided_at, y.until from public.drip_decisions y
    where y.contact_id = c.id and y.campaign_id = d.id and y.step = t.step
    order by y.id desc limit 1) w on true
  where c.id = p_contact and p_contact = any (private.changeable(array[p_contact]))
    and (t.status = 'published' or s.id is not null)
  order by e.enrolled_at desc, t.position, t.step
$$;
revoke all on function public.explain_steps(uuid, timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.explain_steps(uuid, timestamptz) to authenticated, service_role;
