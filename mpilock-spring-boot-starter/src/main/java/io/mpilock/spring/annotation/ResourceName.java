/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.annotation;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.context.expression.MethodBasedEvaluationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.ParameterNameDiscoverer;
import org.springframework.core.convert.TypeDescriptor;
import org.springframework.expression.BeanResolver;
import org.springframework.expression.EvaluationException;
import org.springframework.expression.Expression;
import org.springframework.expression.ExpressionParser;
import org.springframework.expression.ParseException;
import org.springframework.expression.ParserContext;
import org.springframework.expression.common.CompositeStringExpression;
import org.springframework.expression.spel.SpelNode;
import org.springframework.expression.spel.ast.VariableReference;
import org.springframework.expression.spel.standard.SpelExpression;
import org.springframework.expression.spel.standard.SpelExpressionParser;
import org.springframework.util.ObjectUtils;

/**
 * A resource's name as an annotation gives it: a literal, or a template over each call, which may
 * give several.
 */
final class ResourceName {
  private static final TypeDescriptor TEXT = TypeDescriptor.valueOf(String.class);
  private static final Pattern VARIABLE = Pattern.compile("#(\\w+)");

  private final String text;
  private final Method method;
  private final List<Expression> parts;
  private final ParameterNameDiscoverer parameterNames = new DefaultParameterNameDiscoverer();

  /**
   * Parses a name.
   *
   * @param text what the annotation says, its properties resolved
   * @param method whose parameters it may be about
   * @throws IllegalArgumentException if it is not a name or a template
   */
  ResourceName(String text, Method method) {
    this.text = text;
    this.method = method;
    Set<String> known = variables();
    if (text.contains("#{")) {
      this.parts = parse(text);
      parts.forEach(part -> checkVariables(part, known));
    } else {
      this.parts = List.of();
      checkForgottenBraces(known);
    }
  }

  boolean isTemplate() {
    return !parts.isEmpty();
  }

  /** The text, which is the name unless it {@linkplain #isTemplate is a template}. */
  String text() {
    return text;
  }

  /**
   * Gives the names for a call: one, or as many as an expression gives.
   *
   * @throws IllegalArgumentException if an expression fails, or gives null or nothing
   */
  List<String> evaluate(@Nullable Object target, @Nullable Object[] arguments, BeanResolver beans) {
    MethodBasedEvaluationContext context =
        new MethodBasedEvaluationContext(
            new Root(method, target), method, arguments, parameterNames);
    context.setBeanResolver(beans);
    List<String> names = List.of("");
    boolean several = false;
    for (Expression part : parts) {
      Object value = value(part, context);
      if (value instanceof Collection<?> || value.getClass().isArray()) {
        if (several) {
          throw failed(
              part, "is the second expression that gives several names: use only one", null);
        }
        several = true;
        String before = names.getFirst();
        names =
            Arrays.stream(ObjectUtils.toObjectArray(toArray(value)))
                .map(one -> before + text(part, one, context))
                .toList();
        if (names.isEmpty()) {
          throw failed(part, "is empty: the method would run without a lock", null);
        }
      } else {
        String after = text(part, value, context);
        names = names.stream().map(name -> name + after).toList();
      }
    }
    return names;
  }

  private static Object toArray(Object value) {
    return value instanceof Collection<?> collection ? collection.toArray() : value;
  }

  private Object value(Expression part, MethodBasedEvaluationContext context) {
    Object value;
    try {
      value = part.getValue(context);
    } catch (EvaluationException e) {
      throw failed(part, "failed: " + e.getMessage(), e);
    }
    if (value == null) {
      throw isNull(part);
    }
    return value;
  }

  private String text(
      Expression part, @Nullable Object value, MethodBasedEvaluationContext context) {
    Object text;
    try {
      text = context.getTypeConverter().convertValue(value, TypeDescriptor.forObject(value), TEXT);
    } catch (EvaluationException e) {
      throw failed(part, "failed: " + e.getMessage(), e);
    }
    if (text == null) {
      throw isNull(part);
    }
    return text.toString();
  }

  private IllegalArgumentException isNull(Expression part) {
    return failed(part, "is null: calls that have nothing in common would share a lock.", null);
  }

  private IllegalArgumentException failed(Expression part, String what, @Nullable Throwable cause) {
    return new IllegalArgumentException(
        "'%s' in the resource name '%s' of %s %s"
            .formatted(part.getExpressionString(), text, shown(method), what),
        cause);
  }

  private static List<Expression> parse(String text) {
    ExpressionParser parser = new SpelExpressionParser();
    try {
      Expression template = parser.parseExpression(text, ParserContext.TEMPLATE_EXPRESSION);
      return template instanceof CompositeStringExpression composite
          ? List.of(composite.getExpressions())
          : List.of(template);
    } catch (ParseException e) {
      throw new IllegalArgumentException(
          "the resource name '%s' is not a template that can be parsed: %s"
              .formatted(text, e.getMessage()),
          e);
    }
  }

  /** What expressions may call by #name. */
  private Set<String> variables() {
    @Nullable String @Nullable [] names = parameterNames.getParameterNames(method);
    Set<String> known = new HashSet<>(Set.of("root", "this"));
    for (int i = 0; i < method.getParameterCount(); i++) {
      known.add("p" + i);
      known.add("a" + i);
      if (names != null && names[i] != null) {
        known.add(names[i]);
      }
    }
    return known;
  }

  private void checkVariables(Expression part, Set<String> known) {
    if (part instanceof SpelExpression expression) {
      checkVariables(expression.getAST(), known);
    }
  }

  private void checkVariables(SpelNode node, Set<String> known) {
    if (node instanceof VariableReference) {
      String name = node.toStringAST().substring(1);
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            ("the resource name '%s' refers to #%s, but the method has no such"
                    + " parameter. If it has one, it was not compiled with -parameters: write #p0"
                    + " for the first.")
                .formatted(text, name));
      }
    }
    for (int i = 0; i < node.getChildCount(); i++) {
      checkVariables(node.getChild(i), known);
    }
  }

  private void checkForgottenBraces(Set<String> known) {
    Matcher variable = VARIABLE.matcher(text);
    while (variable.find()) {
      if (known.contains(variable.group(1))) {
        throw new IllegalArgumentException(
            "the resource name '%s' has no #{…}, so it is the same for all calls. Write #{%s} for a name that depends on the parameter."
                .formatted(text, variable.group()));
      }
    }
  }

  static String shown(Method method) {
    return method.getDeclaringClass().getName() + "." + method.getName();
  }

  /** What expressions call {@code #root}. */
  record Root(Method method, @Nullable Object target) {}
}
