"""What the physical models do, as a short list of stages."""

from __future__ import annotations

from optimodels.families.regulation.physics import cost_results, results
from optimodels.families.regulation.physics.cost import read_hour
from optimodels.families.regulation.physics.data import read_response
from optimodels.model import Compute, Program

#: The two areas; also what regulation cost runs on.
_AREAS = (
    "Deviations from schedule; powers per unit of the load of both areas, s_a the",
    "part of area a (study_share, or the rest), df per unit of nominal_hz. Keys:",
    "M inertia, D damping, R droop, P_G firm_generation, K_A agc_share, K_I",
    "agc_gain, T_A ace_filter, dr demand_response, T_load load_time_constant, K_L",
    "load_recovery_gain, rho_D demand_follows; of units T_G governor_time, T_R",
    "reset_time, R_T, R_P temporary and permanent_droop, T_W water_time, T_RH",
    "reheat_time, T_CH chest_time, F_HP high_pressure_fraction",
    "",
    "M d(df)/dt = sum_a (dG1_a + dG2_a - dL_a) - D df - loss           derived",
    "dG1_a = -((1 - K_A) P_G s_a / R) G(s) df                     units on droop",
    "dG2_a = G(s) u_a,  du_a/dt = -K_I z_a                          units on ACE",
    "dz_a/dt = (ACE_a - z_a) / T_A,  ACE_a = de_a + B_a df",
    "de_a = dG1_a + dG2_a - dL_a - D s_a df - loss_a                     exports",
    "B_a = s_a (D + (1 - K_A) P_G / R + dr / R)                             ours",
    "dL_a = (dr s_a / R) L(s) df + rho_D ACE_a / (1 + s T_load)  responsive load",
    "L(s) = s / (T_load s^2 + s + K_L)                             reconstructed",
    "G(s), by fleet's fractions; textbook, with the paper's time constants:",
    "  hydro      (1 + s T_R) (1 - s T_W) / ((1 + s T_G)",
    "             (1 + s (R_T/R_P) T_R) (1 + s T_W/2))",
    "  reheat     (1 + s F_HP T_RH) / ((1 + s T_G) (1 + s T_CH) (1 + s T_RH))",
    "  nonreheat  1 / ((1 + s T_G) (1 + s T_CH))",
    "x(t + h) = exp(A h) x(t) + integrals of exp(A s) B: exact for inputs that",
    "are held, or straight, between times",
)

FREQUENCY_RESPONSE = Program(
    read=read_response,
    stages=(
        Compute(
            "response",
            lambda response, done: results.respond(response),
            equations=(
                *_AREAS,
                "",
                "loop: open: df is given and area study stands alone. ace_sampling: ACE_a",
                "is held between samples. saturation: |dL_a| <= saturation dr s_a.",
                "Results in percent are dG, dL, de, ACE of area study by study_share.",
                "In the end, with agc, of a steady loss:                         derived",
                "  frequency_integral_total, Hz s: -nominal_hz loss / (K_I sum_a B_a)",
                "  exports_integral_total_percent_s: 100 / study_share times",
                "            (B_study loss / sum_a B_a - loss_study) / K_I",
                "without: plateau_hz = nominal_hz (1 - loss / (D + (1 - K_A) P_G / R))",
            ),
        ),
    ),
    report=results.frequency_response,
    main="response",
)

REGULATION_COST = Program(
    read=read_hour,
    stages=(
        Compute(
            "regulation",
            lambda hour, done: cost_results.pay(hour),
            equations=(
                *_AREAS,
                "",
                "Every interval_s the market of regulation/market-clearing, in the study",
                "area alone, with the load that is seen then, MW:",
                "  Q(p) = load - q / 2 + q / (1 + exp(2 elasticity (1 - p / mean_price))),",
                "         q: dr of the area's mean load                              ours",
                "  S(P_C) = Q(P_C) = Q_C;  supply_slope R_S, demand_slope R_D there",
                "  slope = R_S R_D / (R_S + R_D), $/(MW^2 h)             003, section 3.5",
                "  demand_follows: null: rho_D = R_S / (R_S + R_D), mean of the intervals",
                "What is dispatched is taken up, T_decay: dispatch_decay, s:",
                "  Q(t) = Q_C + (Q(t_C) - Q_C) exp(-(t - t_C) / T_decay)",
                "Every regulation_s the price of regulation, $/MWh:",
                "  P_R = slope dQ, with price_includes_dispatch + P_C",
                "  dQ = -ACE, or with needed: response sum_i dQ_i, MW",
                "cost_i = integral of P_R dQ_i dt, $, dQ_i the response of resource i:",
                "  supply on droop, supply on ACE (agc), demand response (demand)",
                "owed: the same integral of the area's own deviations (native), of exports",
                "  and of damping; all three add up to what is paid             derived",
            ),
        ),
    ),
    report=cost_results.regulation_cost,
    main="regulation",
)
