package library;

import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.naming.InitialContext;
import javax.naming.NamingException;
import javax.sql.DataSource;

/** A lending library: search, lend, give back. Logs by the log of its servlet context. */
@WebServlet(urlPatterns = {"/search", "/book", "/lend", "/return", "/health"}, loadOnStartup = 1)
public class Library extends HttpServlet {
  private static final String VERSION = "3.1.4";
  private static final Map<String, Integer> DAYS = Map.of("novel", 28, "picture", 14, "music", 7);
  private final List<byte[]> covers = new ArrayList<>();
  private transient DataSource database;

  @Override
  public void init() throws ServletException {
    try {
      database = (DataSource) new InitialContext().lookup("java:comp/env/jdbc/library");
    } catch (NamingException error) {
      throw new ServletException(error);
    }
    for (int cover = 0; cover < 60; cover++) covers.add(new byte[1 << 19]);
    getServletContext().log("library " + VERSION + " is ready, " + covers.size() + " sheets of covers loaded");
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse answer) throws ServletException, IOException {
    try (Connection connection = database.getConnection()) {
      switch (request.getServletPath()) {
        case "/search" -> search(connection, request.getParameter("q"), answer);
        case "/book" -> book(connection, number(request, "id"), answer);
        case "/lend" -> lend(connection, number(request, "id"), number(request, "reader"), answer);
        case "/return" -> giveBack(connection, number(request, "id"), answer);
        default -> answer.getWriter().println("ok " + covers.size());
      }
    } catch (SQLException error) {
      throw new ServletException(error);
    }
  }

  private void search(Connection connection, String word, HttpServletResponse answer) throws SQLException, IOException {
    long started = System.nanoTime();
    int found = 0;
    try (PreparedStatement query = connection.prepareStatement("SELECT id, title FROM books WHERE title LIKE ? LIMIT 20")) {
      query.setString(1, "%" + word + "%");
      ResultSet rows = query.executeQuery();
      for (; rows.next(); found++) answer.getWriter().println(rows.getString(2));
    }
    getServletContext().log("search for " + word + " found " + found + " books in " + (System.nanoTime() - started) / 1_000_000 + " ms");
  }

  private void book(Connection connection, int id, HttpServletResponse answer) throws SQLException, IOException {
    try (PreparedStatement query = connection.prepareStatement("SELECT title, kind, reader FROM books WHERE id = ?")) {
      query.setInt(1, id);
      ResultSet rows = query.executeQuery();
      if (rows.next()) {
        answer.getWriter().println(rows.getString(1));
      } else {
        getServletContext().log("no book " + id);
        answer.sendError(404);
      }
    }
  }

  private void lend(Connection connection, int id, int reader, HttpServletResponse answer) throws SQLException, IOException {
    String kind;
    try (PreparedStatement query = connection.prepareStatement("SELECT kind FROM books WHERE id = ? AND reader IS NULL")) {
      query.setInt(1, id);
      ResultSet rows = query.executeQuery();
      if (!rows.next()) {
        getServletContext().log("book " + id + " is lent already, reader " + reader + " is put on the list");
        answer.setStatus(409);
        return;
      }
      kind = rows.getString(1);
    }
    int days = DAYS.getOrDefault(kind, 28);
    try (PreparedStatement update = connection.prepareStatement("UPDATE books SET reader = ? WHERE id = ?")) {
      update.setInt(1, reader);
      update.setInt(2, id);
      update.executeUpdate();
    }
    getServletContext().log("lent book " + id + " (" + kind + ") to reader " + reader + " for " + days + " days");
  }

  private void giveBack(Connection connection, int id, HttpServletResponse answer) throws SQLException {
    try (PreparedStatement update = connection.prepareStatement("UPDATE books SET reader = NULL WHERE id = ?")) {
      update.setInt(1, id);
      getServletContext().log("book " + id + " came back, " + update.executeUpdate() + " changed");
    }
  }

  private static int number(HttpServletRequest request, String name) {
    return Integer.parseInt(request.getParameter(name));
  }
}
